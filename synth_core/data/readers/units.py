"""Units of voltage as files write them → the units that recordings have: µV for EEG, mV for ECG."""

from __future__ import annotations

from synth_core.types import UNITS, Modality

_VOLTS = {"v": 1.0, "mv": 1e-3, "uv": 1e-6, "nv": 1e-9}
_WRITTEN_OUT = {
    "volt": "v", "volts": "v", "millivolt": "mv", "millivolts": "mv", "microvolt": "uv", "microvolts": "uv",
    "mvolt": "mv", "mvolts": "mv", "uvolt": "uv", "uvolts": "uv", "microv": "uv", "nanovolt": "nv", "nanovolts": "nv",
}  # fmt: skip
_MICRO = str.maketrans("\u00b5\u03bc", "uu")  # the micro sign and the Greek letter
PER_VOLT = {"eeg": 1e6, "ecg": 1e3}


def volts(unit: str) -> float | None:
    """Volts per unit, such as 1e-6 for "uV" or "µV"; None for what is no voltage, and for no unit."""
    plain = unit.replace("\u00c2\u00b5", "u").replace("\u00ce\u00bc", "u").strip().translate(_MICRO).lower()
    return _VOLTS.get(_WRITTEN_OUT.get(plain, plain))


def factor(unit: str, modality: Modality) -> float | None:
    """What values in `unit` are multiplied with to be µV (EEG) or mV (ECG); None for what is no voltage."""
    one = volts(unit)
    return None if one is None else one * PER_VOLT[modality]


def unit_of(modality: Modality) -> str:
    """ "uV", "mV" or "HU"."""
    return UNITS[modality]
