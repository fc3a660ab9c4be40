"""Two small classifiers that measure what a set of examples teaches: 1-D residual for signals, 2-D for slices.

The residual network follows Wang, Yan and Oates 2017 (arXiv 1611.06455) with the stem of He et al. 2016
(arXiv 1512.03385), at a width that one CPU core trains in about a minute.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d

from synth_core.types import DataSpec

STEM_LENGTH = 64  # samples left after the stem, at most twice this: longer inputs are pooled harder
SPECTRUM_BINS = 96
HU_WINDOWS = ((-20.0, 100.0), (-200.0, 400.0), (-1000.0, 2000.0))  # brain, soft tissue, everything


class SignalScaling(nn.Module):
    """Symmetric logarithm of each channel in units of its median magnitude, then unit variance; fitted in training.

    The logarithm keeps small signals legible beside ones twenty times larger, as seizures are in the Bonn data.
    """

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        flat = values.transpose(0, 1).flatten(1)  # (channels, n · samples)
        centre = flat.median(dim=1).values[:, None]
        unit = (flat - centre).abs().median(dim=1).values[:, None].clamp_min(torch.finfo(torch.float32).tiny)
        squashed = _symmetric_log((flat - centre) / unit)
        self.register_buffer("centre", centre)  # (channels, 1)
        self.register_buffer("unit", unit)
        self.register_buffer("spread", squashed.std(dim=1, keepdim=True).clamp_min(1e-6))

    def forward(self, values: Tensor) -> Tensor:
        """(n, channels, samples) in physical units → the same shape, about unit variance."""
        centre, unit, spread = (self.get_buffer(name) for name in ("centre", "unit", "spread"))
        return _symmetric_log((values - centre) / unit) / spread


class LogSpectrum(nn.Module):
    """Log power of each channel in up to 96 frequency bins, standardised on the training examples.

    Rhythms are told apart by a linear layer here and by very many steps in the time domain.
    """

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        samples = values.shape[-1]
        self.bins = min(SPECTRUM_BINS, samples // 2)
        self.register_buffer("window", torch.hann_window(samples))
        power = self._power(values)
        self.register_buffer("floor", 1e-4 * power.mean(dim=(0, 2), keepdim=True).clamp_min(1e-20))  # (1, channels, 1)
        logs = torch.log(power + self.get_buffer("floor"))
        self.register_buffer("mean", logs.mean(0))  # (channels, bins)
        self.register_buffer("spread", logs.std(0).clamp_min(1e-3))

    def forward(self, values: Tensor) -> Tensor:
        """(n, channels, samples) in physical units → (n, channels · bins)."""
        logs = torch.log(self._power(values) + self.get_buffer("floor"))
        return ((logs - self.get_buffer("mean")) / self.get_buffer("spread")).clamp(-6, 6).flatten(1)

    def _power(self, values: Tensor) -> Tensor:
        centred = values - values.mean(-1, keepdim=True)
        power = torch.fft.rfft(centred * self.get_buffer("window")).abs().square()[..., 1:]
        return adaptive_avg_pool1d(power, self.bins)  # (n, channels, bins)


class SliceScaling(nn.Module):
    """Three HU windows as three channels, each mapped to [−1, 1]: what a radiologist switches between."""

    def forward(self, values: Tensor) -> Tensor:
        """(n, 1, height, width) in HU → (n, 3, height, width)."""
        return torch.cat([(2 * (values - low) / (high - low) - 1).clamp(-1, 1) for low, high in HU_WINDOWS], dim=1)


class Residual(nn.Module):
    """Two convolutions with batch normalisation around a shortcut, 1-D or 2-D."""

    def __init__(
        self, conv: Callable[..., nn.Module], norm: Callable[..., nn.Module], sizes: tuple[int, int, int, int]
    ):
        super().__init__()
        inputs, outputs, kernel, stride = sizes
        self.first = conv(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.second = conv(outputs, outputs, kernel, 1, kernel // 2, bias=False)
        self.first_norm, self.second_norm = norm(outputs), norm(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride, bias=False), norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, …) → (n, outputs, … / stride)."""
        hidden = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(hidden)) + self.shortcut(x))


class SignalNet(nn.Module):
    """Three views of a signal: itself and its slope through one residual network, its spectrum through one layer.

    Stem (15 samples, stride 2, max-pool), three residual stages, mean and maximum over time; one linear layer on all.
    """

    def __init__(self, values: Tensor, classes: int, width: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        channels, samples = values.shape[1:]
        self.level, self.slope = SignalScaling(values), SignalScaling(values.diff(dim=-1))
        self.spectrum = LogSpectrum(values)
        self.stem = nn.Sequential(
            nn.Conv1d(2 * channels, width, 15, 2, 7, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(max(1, samples // (2 * STEM_LENGTH))),
        )
        self.stages = nn.Sequential(
            Residual(nn.Conv1d, nn.BatchNorm1d, (width, width, 7, 1)),
            Residual(nn.Conv1d, nn.BatchNorm1d, (width, 2 * width, 5, 2)),
            Residual(nn.Conv1d, nn.BatchNorm1d, (2 * width, 4 * width, 3, 2)),
        )
        self.rhythms = nn.Sequential(
            nn.Linear(channels * self.spectrum.bins, 4 * width),
            nn.BatchNorm1d(4 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, 2 * width),
            nn.BatchNorm1d(2 * width),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(10 * width, classes))

    def embed(self, values: Tensor) -> Tensor:
        """(n, channels, samples) in physical units → (n, 10 · width), what the last layer sees."""
        slope = self.slope(values.diff(dim=-1, append=values[..., -1:]))
        hidden = self.stages(self.stem(torch.cat([self.level(values), slope], dim=1)))  # (n, 4 · width, time)
        views = [hidden.mean(-1), hidden.amax(-1), self.rhythms(self.spectrum(values))]
        return torch.cat(views, dim=1)

    def forward(self, values: Tensor) -> Tensor:
        """(n, channels, samples) in physical units → (n, classes) logits."""
        return self.head(self.embed(values))


class SliceNet(nn.Module):
    """The same on slices: stem (5 × 5, stride 2, max-pool), three residual stages, mean and maximum over the plane."""

    def __init__(self, classes: int, width: int = 16, dropout: float = 0.2) -> None:
        super().__init__()
        self.scaling = SliceScaling()
        self.stem = nn.Sequential(
            nn.Conv2d(len(HU_WINDOWS), width, 5, 2, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.stages = nn.Sequential(
            Residual(nn.Conv2d, nn.BatchNorm2d, (width, width, 3, 1)),
            Residual(nn.Conv2d, nn.BatchNorm2d, (width, 2 * width, 3, 2)),
            Residual(nn.Conv2d, nn.BatchNorm2d, (2 * width, 4 * width, 3, 2)),
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(8 * width, classes))

    def embed(self, values: Tensor) -> Tensor:
        """(n, 1, height, width) in HU → (n, 8 · width), what the last layer sees."""
        hidden = self.stages(self.stem(self.scaling(values))).flatten(2)  # (n, 4 · width, places)
        return torch.cat([hidden.mean(-1), hidden.amax(-1)], dim=1)

    def forward(self, values: Tensor) -> Tensor:
        """(n, 1, height, width) in HU → (n, classes) logits."""
        return self.head(self.embed(values))


def _symmetric_log(x: Tensor) -> Tensor:
    return x.sign() * torch.log1p(x.abs())  # the shape of asinh at a quarter of its cost


def classifier_for(spec: DataSpec, values: Tensor) -> SignalNet | SliceNet:
    """Network with its scaling for one kind of example; `values` are the training examples, to fit the scaling."""
    return SliceNet(len(spec.classes)) if spec.is_image else SignalNet(values, len(spec.classes))
