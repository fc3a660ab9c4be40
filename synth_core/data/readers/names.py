"""Names of leads, electrodes and records as the files write them → as the field writes them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from synth_core.data.readers.electrodes import NAMES

LIMB_AND_CHEST = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_LEADS = {
    name.upper(): name for name in (*LIMB_AND_CHEST, "V7", "V8", "V9", "Vx", "Vy", "Vz", "V3R", "V4R", "V5R", "V6R")
}
_AMBULATORY = re.compile(r"^(ML[IV]+\d?|V\d|ECG\d*|EKG\d*|MCL\d|CM\d|D\d|MOD\.?V\d)$", re.IGNORECASE)
_MASTOIDS = re.compile(r"^[AM][12]$", re.IGNORECASE)
_NOT_BRAIN = re.compile(
    r"\b(ECG|EKG|EOG|EMG|RESP|PULSE|SPO2|SAO2|STATUS|TRIG\w*|STIM\w*|PHOTIC|BP|TEMP|GSR|AIRFLOW|SNORE|DC\d*)\b|"
    r"^(ECG|EKG|EOG|EMG|HEOG|VEOG|ROC|LOC)",
    re.IGNORECASE,
)


def lead_name(text: str) -> str:
    """AVR → aVR, ii → II, v1 → V1; a name that is not of the twelve or the Frank leads stays as it is."""
    stripped = re.sub(r"^(ECG|EKG)[\s_-]+(?=\S)", "", text.strip(), flags=re.IGNORECASE)
    return _LEADS.get(stripped.upper(), stripped)


def is_lead(text: str) -> bool:
    """Whether a channel name is that of an ECG lead."""
    stripped = text.strip()
    return lead_name(stripped) in _LEADS.values() or bool(_AMBULATORY.match(stripped)) or "ECG" in stripped.upper()


def electrode_name(text: str) -> str:
    """'EEG FP1-REF' → 'Fp1', 'FP1-F7' → 'Fp1-F7': the 10-05 spelling where the name is of that system."""
    stripped = re.sub(r"^EEG[\s_-]+", "", text.strip(), flags=re.IGNORECASE).strip(" .")
    stripped = re.sub(r"[-_\s](REF|LE|AR|AVG|A1A2)$", "", stripped, flags=re.IGNORECASE)
    return "-".join(_electrodes().get(part.strip().upper(), part.strip()) for part in stripped.split("-"))


def channel_kind(text: str) -> str:
    """ "eeg", "ecg", "reference", "other" or "unknown", from the name alone."""
    stripped = re.sub(r"^EEG[\s_-]+", "", text.strip(), flags=re.IGNORECASE)
    parts = [part.strip(" .") for part in stripped.split("-")]
    if all(_MASTOIDS.match(part) for part in parts):
        return "reference"
    if re.match(r"^(ECG|EKG)", stripped, re.IGNORECASE):
        return "ecg"
    if _NOT_BRAIN.search(stripped):
        return "other"
    numbered = re.match(r"^EEG\d+$", stripped, re.IGNORECASE)
    if stripped != text.strip() or numbered or parts[0].upper() in _electrodes():
        return "eeg"
    return "unknown"


def is_number(text: str) -> bool:
    """Whether a cell of a table is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def unique(names: list[str]) -> tuple[str, ...]:
    """The same names, a number after each that was there before."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(result)


def record_of(relative: Path) -> str:
    """The path below the collection without its ending: unique in it."""
    return relative.with_suffix("").as_posix()


@cache
def _electrodes() -> dict[str, str]:
    return {name.upper(): name for name in NAMES}
