"""Mean spectra of signals compared and corrected, band by band and without phase; see calibration.py."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from synth_core.generators.whitening import filtered

MOST_BANDS = 128  # of equal width: a mains line stays narrow, and JSON stays small


def band_count(samples: int) -> int:
    """Bands of signals of this length: a frequency each, while they are few."""
    return min(MOST_BANDS, samples // 2 + 1)


def band_powers(x: Tensor) -> Tensor:
    """(n, channels, samples) to (channels, bands): geometric mean over examples, mean within a band.

    A few seizures must not decide what is right for all, hence the geometric mean; a window keeps what is loud at low
    frequencies from leaking into high ones, where EEG is four decades fainter.
    """
    window = torch.hann_window(x.shape[-1], periodic=False, device=x.device)
    spectrum = torch.fft.rfft((x - x.mean(-1, keepdim=True)) * window).abs().square()
    power = spectrum.clamp_min(1e-20).log().mean(0).exp()
    return F.adaptive_avg_pool1d(power, band_count(x.shape[-1]))


def balanced(x: Tensor, gains: Tensor) -> Tensor:
    """(n, channels, samples) times the gains (n, channels, bands), without phase."""
    curve = F.interpolate(gains.log(), size=x.shape[-1] + 1, mode="linear", align_corners=True).exp()
    return filtered(x, curve)


def balance_rows(labels: Tensor) -> Tensor:
    """(n, classes) to (n,): 1 + the class of an example that has one alone, 0 for others."""
    return torch.where(labels.sum(1) == 1, 1 + labels.argmax(1), 0)
