"""The map between physical units and the values a network sees; fitted once, on the training split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from synth_core.errors import ModelError
from synth_core.generators.balance import balance_rows, balanced, band_count, band_powers
from synth_core.generators.whitening import KNOTS, fit_gains, unwhiten, whiten
from synth_core.leads import independent_leads, lead_matrix
from synth_core.types import Batch, DataSpec

FLOAT_MAX = torch.finfo(torch.float32).max  # JSON has no infinity
LABEL_ROWS = 64  # distinct label combinations that are remembered; rarer ones are left out of the drawing
SPECTRUM_EXAMPLES = 2_000  # a mean spectrum needs no more
SAMPLED_VALUES = 1_000_000  # per channel: enough for a stable quantile


class Scaling(nn.Module):
    """y = asinh(w(x − centre) / knee) / spread, per channel; w whitens the spectrum where `whitening` > 0.

    The asinh is linear near zero and logarithmic in the tails. EEG takes centre and knee from the median and the
    quartiles of the data, so that a seizure of 2 mV and a background of 20 µV both keep their detail. CT takes the
    brain: centre 40 HU, knee 20 HU, so that grey and white matter fill the middle of the range while bone and
    air stay invertible. Values are clamped to what was seen.

    With `derive_leads` a network sees the independent leads of an ECG alone, and the others are computed from them in
    physical units, so that Einthoven's law holds exactly. `shape` is what the network sees of one example.
    """

    lead_matrix: Tensor

    centre: Tensor
    knee: Tensor
    spread: Tensor
    low: Tensor
    high: Tensor
    label_rows: Tensor
    label_weights: Tensor
    gains: Tensor
    balance: Tensor  # (1 + classes, channels, bands), of any example and of those of one class alone: calibration.py

    _FIELDS = ("centre", "knee", "spread", "low", "high", "label_rows", "label_weights", "gains", "balance")

    def __init__(self, spec: DataSpec, whitening: float = 0.0, derive_leads: bool = False) -> None:
        super().__init__()
        self.spec, self.whitening = spec, whitening
        self.derive_leads = derive_leads and spec.modality == "ecg" and bool(spec.channels)
        self.leads = list(independent_leads(spec.channels)) if self.derive_leads else list(range(spec.shape[0]))
        self.shape = (len(self.leads), *spec.shape[1:])
        per_channel = torch.ones(len(self.leads))
        self._set(
            centre=per_channel * (40.0 if spec.is_image else 0.0),
            knee=per_channel * (20.0 if spec.is_image else 1.0),
            spread=per_channel.clone(),
            low=per_channel * -FLOAT_MAX,
            high=per_channel * FLOAT_MAX,
            label_rows=torch.zeros(1, len(spec.classes)),
            label_weights=torch.ones(1),
            gains=torch.ones(len(self.leads), KNOTS),
            balance=self._unbalanced,
        )
        if self.derive_leads:
            self._set(lead_matrix=torch.from_numpy(lead_matrix(spec.channels)))

    @property
    def _unbalanced(self) -> Tensor:
        bands = 0 if self.spec.is_image else band_count(self.spec.shape[-1])
        return torch.ones(1 + len(self.spec.classes), len(self.leads), bands)

    def set_balance(self, balance: Tensor | None) -> None:
        """(1 + classes, channels, bands) gains of what is drawn, or None for no correction."""
        self._set(balance=self._unbalanced if balance is None else balance)

    def _set(self, **values: Tensor) -> None:
        for name, value in values.items():
            self.register_buffer(name, value.float(), persistent=False)

    def fit(self, batches: Iterable[Batch]) -> None:
        """Read some thousand examples in random order: spectrum, centre, knee and spread, range, labels."""
        examples = list(batches)
        values = torch.cat([self._seen(batch.values) for batch in examples])
        flat = _thinned(values)
        if not self.spec.is_image:
            self._set(centre=flat.median(dim=1).values)
            if self.whitening:
                self._set(gains=fit_gains(values[:SPECTRUM_EXAMPLES] - self._wide(self.centre), self.whitening))
            self._set(knee=self._fitted_knee(_thinned(self._white(values))))
        spread = torch.asinh(_thinned(self._white(values)) / self.knee[:, None]).std(dim=1).clamp_min(1e-6)
        every = values.transpose(0, 1).flatten(1)
        self._set(spread=spread, low=every.amin(1), high=every.amax(1))
        labels = [batch.condition.labels for batch in examples if batch.condition.labels is not None]
        if labels:
            rows, counts = torch.unique(torch.cat(labels), dim=0, return_counts=True)
            common = counts.argsort(descending=True, stable=True)[:LABEL_ROWS]
            self._set(label_rows=rows[common], label_weights=counts[common].float())

    def _fitted_knee(self, flat: Tensor) -> Tensor:
        if self.spec.modality == "ecg":  # QRS complexes are rare and tall, and must stay on the straight part
            return (3 * flat.std(dim=1)).clamp_min(1e-6)
        # 1.5 interquartile ranges: nine tenths of the background stay on the straight part, seizures are bent
        quartiles = torch.quantile(flat, torch.tensor([0.25, 0.75]), dim=1)
        return (1.5 * (quartiles[1] - quartiles[0])).clamp_min(1e-6)

    def _white(self, values: Tensor) -> Tensor:
        centred = values - self._wide(self.centre)
        return whiten(centred, self.gains) if self.whitening else centred

    def to_scaled(self, values: Tensor) -> Tensor:
        """Physical (n, *spec.shape) to scaled (n, *shape), about zero mean and unit variance per channel."""
        return torch.asinh(self._white(self._seen(values)) / self._wide(self.knee)) / self._wide(self.spread)

    def to_physical(self, scaled: Tensor, balance: Tensor | None = None) -> Tensor:
        """Scaled (n, *shape) to physical (n, *spec.shape), within the range seen in training.

        With `balance`, as `balance_of` gives it, spectra are corrected: this is no longer the inverse of `to_scaled`.
        """
        # asinh of the largest float32 is 89: beyond it sinh overflows before the clamp can act
        white = torch.sinh((scaled * self._wide(self.spread)).clamp(-80, 80)) * self._wide(self.knee)
        centred = unwhiten(white, self.gains) if self.whitening else white
        values = (centred if balance is None else balanced(centred, balance)) + self._wide(self.centre)
        values = torch.maximum(torch.minimum(values, self._wide(self.high)), self._wide(self.low))
        return self.lead_matrix @ values if self.derive_leads else values

    def balance_of(self, labels: Tensor | None, n: int) -> Tensor | None:
        """(n, channels, bands) gains for examples of these (n, classes) labels; None where nothing is corrected."""
        if bool((self.balance == 1).all()):
            return None
        rows = torch.zeros(n, dtype=torch.long) if labels is None else balance_rows(labels)
        return self.balance[rows.to(self.balance.device)]

    def band_powers(self, values: Tensor) -> Tensor:
        """(channels, bands) typical power of physical signals (n, *spec.shape)."""
        return band_powers(self.independent(values))

    def independent(self, values: Tensor) -> Tensor:
        """Physical (n, *spec.shape) to what a network sees of it, about its centre, in physical units."""
        return self._seen(values) - self._wide(self.centre.to(values.device))

    def peak(self) -> Tensor:
        """(1, channels, 1 …) largest scaled magnitude in training, without whitening: ±peak is a tanh's ±1."""
        furthest = torch.maximum((self.low - self.centre).abs(), (self.high - self.centre).abs())
        return self._wide(torch.asinh(furthest / self.knee).clamp(1e-6, 80) / self.spread)

    def _seen(self, values: Tensor) -> Tensor:
        return values[:, self.leads] if self.derive_leads else values

    def draw_labels(self, n: int, rng: torch.Generator) -> Tensor:
        """(n, classes) label rows with the frequencies of the training split."""
        weights = self.label_weights.to(rng.device)
        chosen = torch.multinomial(weights, n, replacement=True, generator=rng)
        return self.label_rows[chosen.to(self.label_rows.device)].cpu()

    def _wide(self, per_channel: Tensor) -> Tensor:
        return per_channel.view(1, -1, *[1] * (len(self.spec.shape) - 1))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists; float32 values survive the way through JSON exactly."""
        return {name: getattr(self, name).cpu().tolist() for name in self._FIELDS}

    def load_dict(self, fields: dict[str, Any]) -> None:
        """Read what `to_dict` wrote; ModelError when a field is missing or of the wrong shape."""
        channels, classes = self.shape[0], len(self.spec.classes)
        try:
            given = {"balance": self._unbalanced.tolist()} | fields  # models of before it existed have none
            values = {name: torch.tensor(given[name], dtype=torch.float32) for name in self._FIELDS}
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The scaling of this model is incomplete or damaged: {error}.") from error
        rows = len(values["label_weights"]) if values["label_weights"].ndim == 1 else 0
        expected: dict[str, tuple[int, ...]] = dict.fromkeys(self._FIELDS[:5], (channels,))
        expected |= {"label_rows": (rows, classes), "label_weights": (rows,), "gains": (channels, KNOTS)}
        expected["balance"] = tuple(self._unbalanced.shape)
        for name, shape in expected.items():
            if tuple(values[name].shape) != shape and not (name == "label_rows" and classes == 0):
                raise ModelError(f"The scaling field {name} must have shape {shape}. Got {tuple(values[name].shape)}.")
        if classes == 0:
            values["label_rows"] = torch.zeros(rows, 0)
        self._set(**values)


def _thinned(values: Tensor) -> Tensor:
    """(n, channels, …) to (channels, at most SAMPLED_VALUES or so)."""
    flat = values.transpose(0, 1).flatten(1)
    return flat[:, :: max(1, flat.shape[1] // SAMPLED_VALUES)]
