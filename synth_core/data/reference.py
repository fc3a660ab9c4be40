"""EEG references: what is subtracted from each electrode, as a matrix on the recorded channels.

Average reference; linked ears; bipolar chains of the American Clinical Neurophysiology Society, Guideline 3 (2016):
longitudinal ("double banana") and transverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import InvalidSetting

Reference = Literal["as recorded", "average", "linked ears", "bipolar longitudinal", "bipolar transverse"]
AS_RECORDED: Reference = "as recorded"
CHAINS: dict[str, tuple[str, ...]] = {
    "bipolar longitudinal": ("Fp1 F7 T7 P7 O1", "Fp2 F8 T8 P8 O2", "Fp1 F3 C3 P3 O1", "Fp2 F4 C4 P4 O2", "Fz Cz Pz"),
    "bipolar transverse": ("F7 Fp1 Fp2 F8", "F7 F3 Fz F4 F8", "T7 C3 Cz C4 T8", "P7 P3 Pz P4 P8", "P7 O1 O2 P8"),
}
OLDER_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
EARS = (("A1", "A2"), ("M1", "M2"))


def referenced(channels: Sequence[str], reference: Reference) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Names of the channels under a reference, and (names, channels): what computes them from the recorded ones.

    Raises
    ------
    InvalidSetting : when the electrodes for it are not there, or the channels are differences of electrodes already.
    """
    if reference == AS_RECORDED:
        return tuple(channels), np.eye(len(channels))
    if any("-" in name for name in channels):
        raise InvalidSetting(f"The channels are differences already ({channels[0]}, …); leave them as recorded.")
    if reference in CHAINS:
        return _bipolar(channels, reference)
    ears = next((pair for pair in EARS if set(pair) <= set(channels)), ())
    every_ear = {ear for pair in EARS for ear in pair}
    brain = [row for row, name in enumerate(channels) if name not in every_ear]
    subtracted = [list(channels).index(ear) for ear in ears] if reference == "linked ears" else brain
    if not subtracted or len(brain) < 2:
        missing = "the ears A1 and A2 (or M1 and M2)" if reference == "linked ears" else "at least two electrodes"
        raise InvalidSetting(f"The reference {reference!r} needs {missing}. Found are {', '.join(channels)}.")
    matrix = np.eye(len(channels))[brain]
    matrix[:, subtracted] -= 1 / len(subtracted)
    return tuple(channels[row] for row in brain), matrix


def _bipolar(channels: Sequence[str], reference: Reference) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    row_of = {OLDER_NAMES.get(name, name): row for row, name in enumerate(channels)}
    chains = [chain.split() for chain in CHAINS[reference]]
    pairs = [pair for chain in chains for pair in pairwise(chain) if set(pair) <= row_of.keys()]
    if not pairs:
        message = f"The reference {reference!r} needs neighbours such as {' and '.join(chains[0][:2])}."
        raise InvalidSetting(f"{message} Found are {', '.join(channels)}.")
    matrix = np.zeros((len(pairs), len(channels)))
    for k, (first, second) in enumerate(pairs):
        matrix[k, row_of[first]], matrix[k, row_of[second]] = 1.0, -1.0
    return tuple(f"{channels[row_of[first]]}-{channels[row_of[second]]}" for first, second in pairs), matrix
