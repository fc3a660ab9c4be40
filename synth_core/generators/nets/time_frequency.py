"""Short-time Fourier transform of window 4 (Hann, hop 1, normalised) and its inverse, written out.

With four samples a frame has three bins and its factors are 0, ±1 and ±i: bin 0 is (x₋₁ + 2 x₀ + x₁) / 4, bin 2
(2 x₀ − x₋₁ − x₁) / 4, bin 1 −x₀ / 2 + i (x₁ − x₋₁) / 4. Equal to `torch.stft` and `torch.istft` with `n_fft=4,
normalized=True`, without a Fourier transform for every sample. Arrays are (channels, time, batch) and
(2 · channels, bins, frames, batch): real and imaginary part of each channel side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor


def analyse(x: Tensor) -> Tensor:
    """(C, L, B) to (2C, 3, L + 1, B); the ends are mirrored. L must be at least 3."""
    length = x.shape[1]
    padded = torch.cat([x[:, 1:2], x, x[:, length - 2 : length - 1], x[:, length - 3 : length - 2]], dim=1)
    before, now, after = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
    sides, nothing = (before + after) / 4, torch.zeros_like(now)
    real = torch.stack([now / 2 + sides, -now / 2, now / 2 - sides], dim=1)
    imaginary = torch.stack([nothing, (after - before) / 4, nothing], dim=1)
    return torch.stack([real, imaginary], dim=1).flatten(0, 1)


def low_signal(bins: Tensor) -> Tensor:
    """The inverse of bin 0 alone: (2C, 1, W, B) to (C, W − 1, B)."""
    mean = bins[0::2, 0] / 2
    return _overlapped(mean, mean, mean)


def high_signal(bins: Tensor) -> Tensor:
    """The inverse of bins 1 and 2: (2C, 2, W, B) to (C, W − 1, B)."""
    real, imaginary, alternating = bins[0::2, 0], bins[1::2, 0], bins[0::2, 1]
    return _overlapped(-imaginary - alternating / 2, alternating / 2 - real, imaginary - alternating / 2)


def _overlapped(first: Tensor, middle: Tensor, last: Tensor) -> Tensor:
    """Sample s from the frames s + 1, s and s − 1, where it is the first, middle and last that the window keeps.

    Divided by the squares of the window that met there: ¼ + 1 + ¼, and ¼ + 1 at the first, without a frame before.
    """
    inside = middle[:, 1:-1] + (first[:, 2:] + last[:, :-2]) / 2
    begin = middle[:, :1] + first[:, 1:2] / 2
    return torch.cat([begin / 1.25, inside / 1.5], dim=1)


def resized(x: Tensor, length: int) -> Tensor:
    """(C, W, B) to (C, length, B) by linear interpolation, as `interpolate(mode="linear")` on (B, C, W)."""
    frames = x.shape[1]
    if frames == length:
        return x
    positions = (torch.arange(length, device=x.device) + 0.5) * (frames / length) - 0.5
    positions = positions.clamp(0, frames - 1)
    left = positions.floor().long()
    right = (left + 1).clamp_max(frames - 1)
    share = (positions - left).to(x.dtype)[:, None]
    return torch.lerp(x[:, left], x[:, right], share)
