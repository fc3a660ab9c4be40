"""Phase-randomised surrogates: Theiler et al. 1992, doi 10.1016/0167-2789(92)90102-S.

The amplitudes of the Fourier transform are kept and the phases drawn anew, the same for all channels (Prichard &
Theiler 1994, doi 10.1103/PhysRevLett.73.951), which keeps power spectra and cross-spectra and loses every shape: no
beat, no spike, no skull. A control: what finds surrogates realistic does not look beyond the spectrum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from synth_core.generators.bank import BankConfig, BankGenerator


class SurrogateConfig(BankConfig):
    """Settings of the surrogates."""


class Surrogate(BankGenerator):
    """Surrogates of stored examples of the class asked for; values beyond the range seen in training are cut off."""

    name = "surrogate"
    title = "Control: phase-randomised surrogates (keeps patients' data)"
    reference = "A control, not a generator. Theiler et al. 1992; Prichard & Theiler 1994"
    Config = SurrogateConfig
    config: SurrogateConfig

    def altered(self, examples: Tensor, rng: torch.Generator) -> Tensor:
        """New phases, drawn in physical units: there all leads of an ECG keep their sums."""
        physical = self.scaling.to_physical(examples)
        noise = self.noise((len(physical), 1, *physical.shape[2:]), rng)
        return self.scaling.to_scaled(phase_randomised(physical, noise))


def phase_randomised(x: Tensor, noise: Tensor) -> Tensor:
    """`x` with the phases of its Fourier transform turned by those of white noise.

    Parameters
    ----------
    x : (n, channels, samples) or (n, channels, height, width).
    noise : (n, 1, …) of the same last axes, standard normal: its phases are uniform and have the symmetry that makes
        the result real. Turning all channels by the same angle keeps their cross-spectra.

    Returns
    -------
    Of the shape of `x`; mean and amplitude spectrum are those of `x`.
    """
    axes = tuple(range(2, x.ndim))
    angle = torch.fft.rfftn(noise.double(), dim=axes).angle()
    angle[(..., *[0] * len(axes))] = 0  # the mean is no wave
    turned = torch.fft.rfftn(x.double(), dim=axes) * torch.polar(torch.ones_like(angle), angle)
    return torch.fft.irfftn(turned, s=x.shape[2:], dim=axes).to(x.dtype)
