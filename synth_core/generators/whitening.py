"""Spectral whitening of signals: linear, invertible, without phase. Our own addition, measured in docs/results.md.

The power of EEG falls by four decades from 2 to 80 Hz. A squared error of the velocity hardly sees the upper band, and
leaves white noise there that any classifier finds. Here each frequency is multiplied by its typical power to the −γ;
with γ = 0.5 all frequencies weigh the same, with γ = 0 nothing changes.
"""

from __future__ import annotations

import torch
from torch import Tensor

KNOTS = 33  # log-spaced; enough for a smooth spectrum, few enough for JSON
LARGEST_GAIN = 100.0  # 40 dB over the smallest: an empty band, above a low-pass, is not pulled up to be modelled


def fit_gains(x: Tensor, exponent: float) -> Tensor:
    """(n, channels, samples) to (channels, KNOTS) gains at log-spaced frequencies."""
    # geometric mean: a few seizures must not decide what is loud for everybody
    power = _mirrored_spectrum(x).abs().square().clamp_min(1e-20).log().mean(dim=0).exp()  # (channels, samples + 1)
    position = _knot_positions(power.shape[-1], x.device)
    knots = []
    for k in range(KNOTS):  # mean power between the neighbouring knots
        begin = int(position[max(k - 1, 0)].floor())
        end = int(position[min(k + 1, KNOTS - 1)].ceil()) + 1
        knots.append(power[:, begin:end].mean(dim=-1))
    gains = torch.stack(knots, dim=-1).clamp_min(1e-20).pow(-exponent)
    return gains.clamp_max(LARGEST_GAIN * gains.amin(dim=-1, keepdim=True))


def whiten(x: Tensor, gains: Tensor) -> Tensor:
    """(n, channels, samples), filtered without phase; the ends are mirrored, so nothing wraps round."""
    return filtered(x, _gain_curve(gains, x.shape[-1]))


def unwhiten(x: Tensor, gains: Tensor) -> Tensor:
    """The inverse of `whiten`."""
    return filtered(x, 1 / _gain_curve(gains, x.shape[-1]))


def _mirrored_spectrum(x: Tensor) -> Tensor:
    return torch.fft.rfft(torch.cat([x, x.flip(-1)], dim=-1))


def filtered(x: Tensor, curve: Tensor) -> Tensor:
    """(n, channels, samples) times a real (…, samples + 1) gain at the frequencies 0 … Nyquist, without phase."""
    # a real, even gain keeps the mirror symmetry, so the first half is all there is to know (as in a DCT)
    length = x.shape[-1]
    return torch.fft.irfft(_mirrored_spectrum(x) * curve, n=2 * length)[..., :length]


def _knot_positions(bins: int, device: torch.device) -> Tensor:
    """Bin 0 and log-spaced bins up to the last."""
    positions = torch.logspace(0, torch.log10(torch.tensor(float(bins - 1))).item(), KNOTS - 1, device=device)
    return torch.cat([positions.new_zeros(1), positions]).clamp_max(bins - 1)


def _gain_curve(gains: Tensor, samples: int) -> Tensor:
    """(channels, KNOTS) to (channels, samples + 1): linear between knots, in log gain over log frequency."""
    bins = torch.arange(samples + 1, device=gains.device)
    positions = (_knot_positions(samples + 1, gains.device) + 1).log()
    where = (bins + 1.0).log()
    right = torch.searchsorted(positions.contiguous(), where).clamp(1, KNOTS - 1)
    span = (positions[right] - positions[right - 1]).clamp_min(1e-6)
    share = ((where - positions[right - 1]) / span).clamp(0, 1)
    log_gains = gains.log()
    return torch.lerp(log_gains[:, right - 1], log_gains[:, right], share).exp()
