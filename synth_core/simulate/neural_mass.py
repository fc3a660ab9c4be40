"""Neural-mass model of a patch of cortex, integrated for many patches at once.

Wendling et al. 2002, doi 10.1046/j.1460-9568.2002.01985.x: pyramidal cells with excitatory (A), slow inhibitory (B)
and fast inhibitory (G) synapses. With G = 0 it is the model of Jansen & Rit 1995, doi 10.1007/BF00199471, whose
A = 3.25 mV, B = 22 mV oscillates in the alpha band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 1024  # steps per second; the fastest synapse decays with 500 per second
BLOCK = 128  # steps for which the synaptic gains stay the same
EXCITATORY, SLOW, FAST = 100.0, 50.0, 500.0  # a, b, g in 1/s
COUPLING = 135.0
C = COUPLING * np.array([1.0, 0.8, 0.25, 0.25, 0.3, 0.1, 0.8])  # C1 … C7
FIRING, THRESHOLD, STEEPNESS = 5.0, 6.0, 0.56  # 2 e0 in 1/s, v0 in mV, r in 1/mV


def sigmoid(potential: NDArray[np.float64]) -> NDArray[np.float64]:
    """Firing rate in 1/s of a population at a mean membrane potential in mV."""
    return FIRING / (1 + np.exp(STEEPNESS * (THRESHOLD - potential)))


def integrate(
    excitation: NDArray[np.float64],
    slow_inhibition: NDArray[np.float64],
    fast_inhibition: NDArray[np.float64],
    drive: NDArray[np.floating],
    *,
    pace: NDArray[np.float64] | float = 1.0,
    upstream: NDArray[np.intp] | None = None,
    coupling: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float32]:
    """Simulate patches of cortex by the Euler–Maruyama scheme (semi-implicit: velocities first).

    Parameters
    ----------
    excitation, slow_inhibition, fast_inhibition : A, B, G in mV, (blocks, patches); a block lasts BLOCK steps.
    drive : (steps, patches) input firing rate in 1/s at each step of 1 / RATE s, its noise included.
    pace : (patches,) speed of all synapses relative to the published ones; moves the rhythm without changing it.
    upstream, coupling : (patches,) the patch that excites each patch, and the spikes that arrive per spike fired.

    Returns
    -------
    (steps, patches): the pyramidal potential y1 − y2 − y3 in mV, what an electrode sees.
    """
    steps, patches = drive.shape
    gains = np.stack([excitation, excitation, slow_inhibition, fast_inhibition, slow_inhibition], 1) * pace
    upstream = np.arange(patches) if upstream is None else upstream
    decay = np.array([EXCITATORY, EXCITATORY, SLOW, FAST, SLOW])[:, None] * np.asarray(pace)
    potential, velocity, rates = np.zeros((3, 5, patches))
    inputs = np.empty((4, patches))  # mean membrane potentials of pyramidal, excitatory, slow and fast cells
    seen = np.empty((steps, patches), np.float32)
    dt = 1 / RATE
    for step in range(steps):
        y0, y1, y2, y3, y4 = potential
        np.subtract(y1, y2 + y3, out=inputs[0])
        np.multiply(C[[0, 2, 4], None], y0, out=inputs[1:])
        inputs[3] -= y4
        seen[step] = inputs[0]
        fired = sigmoid(inputs)
        rates[0] = fired[0]
        rates[1] = drive[step] + C[1] * fired[1] + coupling * fired[0, upstream]
        rates[2] = C[3] * fired[2]
        rates[3] = C[6] * fired[3]
        rates[4] = C[5] * fired[2]
        velocity += dt * decay * (gains[step // BLOCK] * rates - 2 * velocity - decay * potential)
        potential += dt * velocity
    return seen
