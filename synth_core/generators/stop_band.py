"""What the filter of a source took away, and a generator must not put back: gains of at most 1 above its cut-off.

A classifier sees a decibel at −74 dB as well as one at 0, and no network of some thousand steps keeps such a band
empty.
"""

from __future__ import annotations

import torch
from torch import Tensor

from synth_core.generators.balance import balanced, band_powers

STEEP = 10.0  # dB that spectra fall by, within a tenth of the band up to half the rate, at the edge of a stop band
NEAR, WITHIN = 3.0, 0.1  # dB below what is left of the edge that count as the stop band; that tenth
SMALLEST_GAIN = 1e-3  # 60 dB
Quiet = Tensor


def stop_bands(power: Tensor) -> Quiet:
    """(bands,) bool: where a source's filter lets nothing through, from (channels, bands) of mean power.

    The topmost bands, from where the mean log spectrum begins to fall by 10 dB within a tenth of the bands; none where
    it falls slowly, as muscle noise does.
    """
    level = 10 * power.clamp_min(1e-20).log10().mean(0)
    bands = len(level)
    reach = max(1, round(WITHIN * bands))
    quiet = torch.zeros(bands, dtype=torch.bool, device=power.device)
    if bands < 3 * reach:
        return quiet
    fall = level[:-reach] - level[reach:]
    # below a quarter of the bands an ECG falls as steeply by itself
    steep = (fall > STEEP).nonzero()[:, 0]
    steep = steep[steep >= bands // 4]
    if not len(steep):
        return quiet
    begin = int(steep[0])
    if bool((level[begin + reach :] > level[begin] - NEAR).any()):
        return quiet  # what is loud again above is no stop band
    quiet[begin:] = True
    return quiet


def stop_band_gains(real: Tensor, drawn: Tensor, rounds: int = 1) -> Tensor | None:
    """(channels, bands) gains for what is drawn, at most 1 and 1 outside the stop band; None where there is none.

    Parameters
    ----------
    real, drawn : (n, channels, samples) in the same unit, each about its centre.
    rounds : how often what is left over is measured again: a strong gain leaks.
    """
    wanted = band_powers(real)
    quiet = stop_bands(wanted)
    if not bool(quiet.any()):
        return None
    gains = torch.ones_like(wanted)
    for _ in range(rounds):
        ratio = wanted / band_powers(balanced(drawn, gains.expand(len(drawn), -1, -1)))
        gains = torch.where(quiet, (gains * ratio.sqrt()).clamp(SMALLEST_GAIN, 1.0), 1.0)
    return gains
