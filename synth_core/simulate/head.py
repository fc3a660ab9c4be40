"""Electrodes of the 10-20 system on a spherical head, and the potential that cortical dipoles make there.

The head is four concentric shells: brain, cerebrospinal fluid, skull, scalp, with the radii and conductivities of
Cuffin & Cohen 1979, doi 10.1016/0013-4694(79)90215-3. Each Legendre order of the potential is carried outwards
through the shells by continuity of potential and current.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import lpmv

CHANNELS = (
    "Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2",
    "F7", "F8", "T3", "T4", "T5", "T6", "Fz", "Cz", "Pz",
)  # fmt: skip
# Degrees from Cz, and degrees from the nose (left positive): 10 % of the arc from nasion to inion is 18°.
_POLAR = {
    "Fp1": (72, 18), "F7": (72, 54), "T3": (72, 90), "T5": (72, 126), "O1": (72, 162),
    "F3": (47, 40), "C3": (36, 90), "P3": (47, 140), "Fz": (36, 0), "Cz": (0, 0), "Pz": (36, 180),
}  # fmt: skip
_LEFT_OF = {"Fp2": "Fp1", "F8": "F7", "T4": "T3", "T6": "T5", "O2": "O1", "F4": "F3", "C4": "C3", "P4": "P3"}

HEAD_RADIUS = 0.088  # m
SHELL_RADII = (0.80 / 0.88, 0.81 / 0.88, 0.85 / 0.88, 1.0)
SHELL_CONDUCTIVITIES = (0.33, 1.0, 0.0042, 0.33)  # S/m
ORDERS = 60  # of the Legendre series: eccentricity 0.85 ** 60 < 1e-4


def direction(colatitude: float | NDArray, azimuth: float | NDArray) -> NDArray[np.float64]:
    """Unit vectors (…, 3) right, anterior, up from degrees below the vertex and degrees left of the nose."""
    theta, phi = np.deg2rad(colatitude), np.deg2rad(azimuth)
    return np.stack([-np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), np.cos(theta) * np.ones_like(phi)], -1)


def electrode_positions() -> NDArray[np.float64]:
    """(19, 3) unit vectors right, anterior, up, in the order of CHANNELS."""
    places = [_POLAR.get(name) or (_POLAR[_LEFT_OF[name]][0], -_POLAR[_LEFT_OF[name]][1]) for name in CHANNELS]
    return np.array([direction(*place) for place in places])


def surface_gain(
    radii: tuple[float, ...] = SHELL_RADII, conductivities: tuple[float, ...] = SHELL_CONDUCTIVITIES
) -> NDArray[np.float64]:
    """Potential at the scalp per unit of the n-th outgoing term r^−(n+1) of the innermost shell, n = 1 … ORDERS.

    Parameters
    ----------
    radii : outer radius of each shell in head radii, the last is 1. conductivities : of each shell, S/m.
    """
    n = np.arange(1, ORDERS + 1, dtype=float)
    growing, decaying = np.ones_like(n), n / (n + 1)  # of r^n and r^−(n+1): no current leaves the scalp
    at_surface = growing + decaying
    for shell in range(len(radii) - 1, 0, -1):
        r, ratio = radii[shell - 1], conductivities[shell] / conductivities[shell - 1]
        decay = decaying * r ** -(2 * n + 1)  # relative to r^n
        potential, current = growing + decay, ratio * (n * growing - (n + 1) * decay)
        growing = ((n + 1) * potential + current) / (2 * n + 1)
        decaying = (n * potential - current) / (2 * n + 1) * r ** (2 * n + 1)
    return at_surface / decaying


def leadfield(
    positions: NDArray[np.float64],
    moments: NDArray[np.float64],
    electrodes: NDArray[np.float64],
    radii: tuple[float, ...] = SHELL_RADII,
    conductivities: tuple[float, ...] = SHELL_CONDUCTIVITIES,
) -> NDArray[np.float64]:
    """Potential in µV at each electrode for dipoles of 1 nA·m, (electrodes, dipoles), average reference.

    Parameters
    ----------
    positions : (dipoles, 3) in head radii, inside the brain and off the centre. moments : (dipoles, 3) unit vectors.
    electrodes : (electrodes, 3) unit vectors.

    The infinite-medium series of a dipole (Jackson, Classical Electrodynamics, eq. 3.70 differentiated) gives the
    outgoing terms; `surface_gain` carries them to the scalp.
    """
    eccentricity = np.linalg.norm(positions, axis=1)
    outward = positions / eccentricity[:, None]
    cosine = np.clip(electrodes @ outward.T, -1, 1)  # (electrodes, dipoles)
    radial = np.sum(moments * outward, 1)
    tangential = electrodes @ moments.T - cosine * radial  # sin γ × the moment towards the electrode
    n = np.arange(1, ORDERS + 1)
    terms = surface_gain(radii, conductivities) * eccentricity[:, None] ** (n - 1)  # (dipoles, orders)
    sine = np.sqrt(np.maximum(1 - cosine**2, 1e-12))
    legendre = np.stack([lpmv(0, order, cosine) for order in n], -1)
    slope = -np.stack([lpmv(1, order, cosine) for order in n], -1) / sine[..., None]  # dP_n / d cos γ
    volts = np.sum(terms * (n * radial[:, None] * legendre + tangential[..., None] * slope), -1)
    volts /= 4 * np.pi * conductivities[0] * HEAD_RADIUS**2
    return (volts - volts.mean(0)) * 1e-9 * 1e6
