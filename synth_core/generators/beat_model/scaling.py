"""The scaling of the heartbeat generator: records to white rows and back, fitted once like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth_core.generators.balance import balanced
from synth_core.generators.beat_model.anatomy import Anatomy, anatomy_of
from synth_core.generators.beat_model.assembly import record
from synth_core.generators.beat_model.beat import Grid
from synth_core.generators.beat_model.code import BeatCode, Heart
from synth_core.generators.beat_model.common import Common
from synth_core.generators.beat_model.infill import Gap, filled
from synth_core.generators.inpainting import Known
from synth_core.generators.scaling import Scaling
from synth_core.generators.stop_band import stop_band_gains
from synth_core.types import Batch, DataSpec

DRAWN = (64, 256)  # records, fewest and most, whose spectra are held against real ones for the stop band
ROUNDS = 2  # a gain of 40 dB is not right at once

Floats = NDArray[np.float64]


class HeartScaling(Scaling):
    """A Scaling that has also studied hearts.

    Parameters
    ----------
    spec : what one example is.
    derive_leads : as of every Scaling.
    components, noise_components : of BeatCode.
    studied : records that `fit` takes apart, at most.
    """

    def __init__(
        self, spec: DataSpec, derive_leads: bool, *, components: int, noise_components: int, studied: int
    ) -> None:
        super().__init__(spec, 0.0, derive_leads)
        leads, classes = self.shape[0], len(spec.classes)
        self.code = BeatCode(leads, spec.rate, classes, components, noise_components)
        self.common = Common(leads, spec.rate, classes)
        self.grid, self.studied = Grid(spec.rate), studied
        self._rows: dict[bytes, Floats] = {}  # of records met before: taking one apart costs as much as 20 steps

    def fit(self, batches: Iterable[Batch]) -> None:
        """As of every Scaling; then beats, rhythms and noise of `studied` records, and the source's stop band."""
        examples = list(batches)
        super().fit(examples)
        values = torch.cat([self._seen(batch.values) for batch in examples])[: self.studied]
        given = [self._known_labels(batch.condition.labels, len(batch)) for batch in examples]
        labels = np.concatenate(given)[: self.studied]
        found = [anatomy_of(values[row].cpu().numpy().astype(np.float64), self.spec.rate) for row in range(len(values))]
        self.common.fit(found, labels)
        self.code.fit(found, labels)
        self._rows = {_key(value): self.code.row(one) for value, one in zip(values, found, strict=True)}
        self._take_away_the_stop_band(values, labels)

    def rows(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(n, size) white rows and (n, size) of 1 where a number is known, on the device of the batch."""
        rows = np.stack([self._row(value) for value in self._seen(batch.values)])
        white, known = self.code.whitened(rows, self._known_labels(batch.condition.labels, len(batch)))
        device = batch.values.device
        return torch.from_numpy(white).float().to(device), torch.from_numpy(known).float().to(device)

    def _row(self, value: Tensor) -> Floats:
        key = _key(value)
        if key not in self._rows:
            self._rows[key] = self.code.row(self.anatomy(value))
        return self._rows[key]

    def anatomy(self, value: Tensor) -> Anatomy:
        """Of one record, (leads, samples) of what a network sees."""
        return anatomy_of(value.cpu().numpy().astype(np.float64), self.spec.rate)

    def _known_labels(self, labels: Tensor | None, n: int) -> NDArray[np.float32]:
        """(n, classes); without labels the shares of the classes in training stand in."""
        if labels is not None:
            return labels.cpu().numpy().astype(np.float32)
        usual = (self.label_weights @ self.label_rows / self.label_weights.sum()).cpu().numpy()
        return np.repeat(usual[None], n, 0).astype(np.float32)

    def records(self, white: Tensor, labels: Tensor | None, rng: torch.Generator, samples: int) -> Tensor:
        """(n, leads, samples) physical, without the stop band: a heart for each (n, size) white row."""
        random = np.random.default_rng(int(torch.randint(2**62, (1,), generator=rng, device=rng.device)))
        hearts, ectopic = self.hearts(white, labels, random)
        made = [
            record(heart, self.common, samples, self.grid, bool(odd), random)
            for heart, odd in zip(hearts, ectopic, strict=True)
        ]
        return torch.from_numpy(np.stack(made)).float().to(white.device)

    def hearts(
        self, white: Tensor, labels: Tensor | None, random: np.random.Generator
    ) -> tuple[list[Heart], NDArray[np.bool_]]:
        """A heart for each white row, and whether it has ectopic beats."""
        known = self._known_labels(labels, len(white))
        silent = random.random(len(white)) < self.common.share("beatless", known)
        ectopic = random.random(len(white)) < self.common.share("ectopic", known)
        return self.code.hearts(white.detach().cpu().numpy().astype(np.float64), known, silent), ectopic

    def infilled(self, known: Known, white: Tensor, labels: Tensor | None, rng: torch.Generator) -> Tensor:
        """(n, *spec.shape) physical: what is known, and the rest in its rhythm; see infill.py."""
        begun = known.fill(torch.zeros_like(known.values))[:, self.leads].cpu().numpy().astype(np.float64)
        keep = known.certain().cpu().numpy()
        random = np.random.default_rng(int(torch.randint(2**62, (1,), generator=rng, device=rng.device)))
        other = self.filtered(self.records(white, labels, rng, self.spec.shape[-1]), labels)
        hearts, _ = self.hearts(white, labels, random)
        roots = self.common.sharing.cpu().numpy().astype(np.float64)
        for row, heart in enumerate(hearts):
            silent = int(heart.shape is None)
            made = filled(Gap(begun[row], keep[row]), heart, roots[silent], self.code, random)
            if made is not None:
                independent = torch.from_numpy(made).float()[None].to(other.device)
                other[row] = self.filtered(independent, None if labels is None else labels[row : row + 1])[0]
        return other

    def _take_away_the_stop_band(self, values: Tensor, labels: NDArray[np.float32]) -> None:
        """Gains of at most 1 where the source's filter let nothing through, in `balance`, as all corrections."""
        self.set_balance(None)
        rng = torch.Generator().manual_seed(0)
        n = int(np.clip(len(values), *DRAWN))
        asked = torch.from_numpy(np.resize(labels, (n, labels.shape[1])))
        white = torch.randn(n, self.code.size, generator=rng)
        drawn = self.records(white, asked, rng, self.spec.shape[-1])
        gains = stop_band_gains(values - self._wide(self.centre), drawn, rounds=ROUNDS)
        if gains is not None:
            self.set_balance(gains.expand_as(self._unbalanced).clone())

    def scaled(self, physical: Tensor) -> Tensor:
        """What `to_scaled` gives, of independent leads (n, leads, samples)."""
        return torch.asinh((physical - self._wide(self.centre)) / self._wide(self.knee)) / self._wide(self.spread)

    def filtered(self, physical: Tensor, labels: Tensor | None) -> Tensor:
        """Independent leads of any length as `Generator.sample` gives them: corrected, and in the range seen."""
        balance = self.balance_of(labels, len(physical))
        corrected = physical if balance is None else balanced(physical, balance)
        clamped = torch.maximum(torch.minimum(corrected, self._wide(self.high)), self._wide(self.low))
        return self.lead_matrix @ clamped if self.derive_leads else clamped


def _key(value: Tensor) -> bytes:
    return hashlib.blake2b(value.cpu().contiguous().numpy().tobytes(), digest_size=16).digest()
