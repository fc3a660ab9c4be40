"""ECGs that one heart beats in: rhythm × one person's beat × small variation. Our own; after ECGSYN in its parts.

McSharry et al. 2003, doi 10.1109/TBME.2003.808805, drive one beat by a rhythm. Here both are learnt: each training
record is taken apart (beat_model/anatomy.py) into the median beat, the rhythm, the sway of the leads with breathing and
the spectrum of the rest, and becomes one row of numbers, white where hearts are jointly normal (beat_model/code.py). A
rectified flow (Liu et al. 2022, arXiv 2209.03003) that begins as that Gaussian learns what it misses, under labels and
severity. A sample is a row, and the record that is put together from it (beat_model/assembly.py): no beat, interval
or noise of a training record is kept or copied.

A record in which no beats can be told from noise is a row without a beat; what is drawn of its kind is noise of the
same spectra and lead covariance.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import torch
from torch import Tensor

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.generators.base import Generator, Phase
from synth_core.generators.beat_model.scaling import HeartScaling
from synth_core.generators.heartbeat_config import HeartbeatConfig
from synth_core.generators.inpainting import Known
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.rows import RowNetwork, random_times, seen, white_data, white_target
from synth_core.signal import resample
from synth_core.types import Batch, Condition


class Heartbeat(Generator):
    """A flow over hearts, and records put together from them."""

    name = "heartbeat"
    title = "Heartbeat: rhythm × one person's beat"
    reference = "Our own; after McSharry et al. 2003, doi 10.1109/TBME.2003.808805; Liu et al. 2022, arXiv 2209.03003"
    modalities = frozenset({"ecg"})
    conditions = frozenset({"labels", "severity"})
    phases = (Phase("hearts"),)
    Config = HeartbeatConfig
    config: HeartbeatConfig
    scaling: HeartScaling

    def build(self) -> None:
        """The network over rows, and a scaling that takes records apart."""
        config = self.config
        self.scaling = HeartScaling(
            self.spec,
            config.derive_leads,
            components=config.components,
            noise_components=config.noise_components,
            studied=config.studied,
        )
        self.embedding = ConditionEmbedding(len(self.spec.classes), config.width)
        self.network = RowNetwork(self.scaling.code.size, config.width, config.depth, config.dropout)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the model is made of, how many records it wants, and records in which no beats were found."""
        share = float(self.scaling.common.beatless[0])
        found = [
            "A sample is one heart: a beat, a rhythm and a noise that were drawn together; the model keeps means, "
            "components, quantiles and covariances over all training people, and no record of any of them.",
            "How many people it wants: with 262 (PTB-XL) samples came as near to training people as other people do, "
            "with 85 (demo-ecg) nearer (0.75 of them closer to training, 0.5 expected): measure it before sharing. "
            "Fewer than 6 records with ectopic beats give none.",
        ]
        if share > 0:
            found.append(
                f"In {100 * share:.2g} % of the training records no beats could be told from noise; as many samples "
                "are noise of their spectra and lead covariance, without beats."
            )
        return tuple(found)

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error of the flow's data, in units of what the Gaussian leaves open; 1 is the Gaussian."""
        data, known = self.scaling.rows(batch)
        n = len(data)
        time = random_times(n, rng).to(self.device)
        keep = (torch.rand(n, generator=rng, device=rng.device) >= self.config.condition_dropout).to(self.device)
        start = self.noise(tuple(data.shape), rng)
        x = (1 - time)[:, None] * start + time[:, None] * data
        output = self.network(seen(x, time), time, self.embedding(batch.condition, n, keep), rng)
        error = (output - white_target(x, time, data)).square() * known
        return {"total": error.sum() / known.sum().clamp_min(1)}

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """A row by the flow, then a record from it; `guidance` does not apply."""
        rows = self._rows(condition, n, rng, steps)
        return self.scaling.scaled(self.scaling.records(rows, condition.labels, rng, self.spec.shape[-1]))

    def strip(
        self,
        condition_or_n: Condition | int,
        *,
        rng: torch.Generator,
        seconds: float | None = None,
        rate: float | None = None,
        steps: int | None = None,
    ) -> Batch:
        """`sample` of another duration, or at another sampling rate: a heart beats on for as long as it is asked to.

        Parameters
        ----------
        condition_or_n, rng, steps : as of `sample`.
        seconds : 1 to 3,600; as in training where it is not given.
        rate : 50 to 1,000 Hz; as in training where it is not given. A higher one adds samples, not frequencies.

        Returns
        -------
        Batch whose spec has that shape and rate, in physical units, on the CPU.
        """
        spec = self.spec
        seconds, rate = spec.seconds if seconds is None else seconds, spec.rate if rate is None else rate
        if not 1 <= seconds <= 3600 or not 50 <= rate <= 1000:
            raise InvalidSetting(f"A strip takes 1 to 3600 s at 50 to 1000 Hz. Got {seconds:g} s at {rate:g} Hz.")
        condition = self._requested(condition_or_n, rng).to(self.device)
        n = condition_or_n if isinstance(condition_or_n, int) else len(condition)
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                rows = self._rows(condition, n, rng, steps)
                made = self.scaling.records(rows, condition.labels, rng, round(seconds * spec.rate))
                values = self.scaling.filtered(made, condition.labels).cpu().numpy()
        finally:
            self.train(was_training)
        resampled = torch.from_numpy(resample(values, spec.rate, rate)).float()
        longer = replace(spec, shape=tuple(resampled.shape[1:]), rate=rate)
        return Batch(values=resampled, spec=longer, condition=condition.to("cpu"))

    def _rows(self, condition: Condition, n: int, rng: torch.Generator, steps: int | None) -> Tensor:
        """(n, size) by Heun's method, the last step towards the prediction."""
        steps = self.config.steps if steps is None else steps
        if not 1 <= steps <= 500:
            raise InvalidSetting(f"The number of sampler steps must lie in 1 … 500. Got {steps} instead.")
        embedding = self.embedding(condition, n)
        times = torch.linspace(0, 1, steps + 1, device=self.device)
        x = self.noise((n, self.scaling.code.size), rng)

        def velocity(x: Tensor, at: Tensor) -> Tensor:
            time = at.expand(n)
            return (white_data(x, time, self.network(seen(x, time), time, embedding)) - x) / (1 - at)

        for now, after in itertools.pairwise(times):
            slope = velocity(x, now)
            ahead = x + (after - now) * slope
            x = ahead if after == 1 else x + (after - now) * (slope + velocity(ahead, after)) / 2
        return x

    def inpaint(self, batch: Batch, keep: Tensor, *, rng: torch.Generator, steps: int | None = None) -> Batch:
        """Make the missing part of real or synthetic examples, in the rhythm of the part that is known.

        Parameters
        ----------
        batch : n examples in physical units; what is not kept may be anything, NaN as well. Their condition is asked
            for, as far as this generator knows it.
        keep : (n or 1, *spec.shape) bool, True for what is known; `inpainting.keep_all_but` makes the usual ones.
        rng : the only source of randomness.
        steps : as of `sample`.

        Returns
        -------
        Batch of the same n examples on the CPU: known values exactly as given, derived limb leads consistent with them.
        Where fewer than four beats are known, the new part is of another heart of the same labels.

        Raises
        ------
        SpecMismatch : for examples of another spec, or a `keep` of the wrong type or shape.
        InvalidSetting : for a known value that is not finite, or steps out of bounds.
        """
        if batch.spec != self.spec:
            raise SpecMismatch("The examples are of another kind than this generator makes; their specs must agree.")
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                known = Known(self.scaling, batch.to(self.device), keep.to(self.device))
                given = batch.condition.to(self.device)
                asked = Condition(**{part: getattr(given, part) for part in given.given & self.accepted})
                rows = self._rows(asked, len(batch), rng, steps)
                values = known.fill(self.scaling.infilled(known, rows, asked.labels, rng))
        finally:
            self.train(was_training)
        return replace(batch.to("cpu"), values=values.cpu(), subjects=None)

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """AdamW."""
        config = self.config
        return torch.optim.AdamW(self.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
