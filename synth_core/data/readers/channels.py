"""Which channels of a file make the recording: those of one modality and one rate; the others are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from synth_core.data.readers.names import channel_kind, electrode_name, is_lead, lead_name, unique
from synth_core.errors import DataError
from synth_core.types import Modality

_GRID = re.compile(r"^[A-I]\d{1,2}$")  # BioSemi caps: A1 … H32, where A1 is no ear and C3 not of the 10-20 system
NO_KINDS: Mapping[str, str] = MappingProxyType({})
SHOWN = 8  # channel names in a message
ALIKE_LEFT_OUT = "Channels that are called like {kind} are left out, for their rate or their unit: {names}."


@dataclass(frozen=True)
class Choice:
    """The channels of a recording.

    Parameters
    ----------
    modality : "eeg" or "ecg".
    picks : their numbers in the file.
    names : as the field writes them, none twice.
    left_out : the names, in the file, of the others.
    told : whether the names or types in the file say that they are of the modality.
    """

    modality: Modality
    picks: tuple[int, ...]
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    told: bool

    @property
    def metadata(self) -> dict[str, object]:
        """For `Recording.metadata`."""
        told = {} if self.told else {"channel types": f"not told by the file; taken as {self.modality.upper()}"}
        return {"channels left out": list(self.left_out), **told}


def kinds_by_name(labels: Sequence[str]) -> list[str]:
    """One of the kinds of `names.channel_kind` per channel; caps with a grid of their own are EEG, lead names ECG."""
    grid = [bool(_GRID.match(label)) for label in labels]
    if sum(grid) > max(32, len(labels) // 2):
        return ["eeg" if found else "other" for found in grid]
    kinds = [channel_kind(label) for label in labels]
    unknown = [i for i, kind in enumerate(kinds) if kind == "unknown"]
    leads = [i for i in unknown if is_lead(labels[i])]
    if len(leads) > len(unknown) / 2:
        kinds = ["ecg" if i in leads else kind for i, kind in enumerate(kinds)]
    return kinds


def choose(
    file: Path,
    labels: Sequence[str],
    kinds: Sequence[str],
    *,
    rates: Sequence[float] = (),
    modality: Modality | None = None,
) -> Choice:
    """EEG where the file has it, else ECG, else channels of which nothing is known, as EEG.

    Parameters
    ----------
    labels, kinds : of every channel; a kind is "eeg", "ecg", "unknown", or anything else for what is never taken.
    rates : of every channel; of those chosen, the ones at the most frequent rate stay (the highest among equals).
    modality : only this one; then unknown channels are of it where none are known to be.

    Raises
    ------
    DataError : when there is no such channel.
    """
    orders: dict[Modality | None, tuple[tuple[str, Modality], ...]] = {
        None: (("eeg", "eeg"), ("ecg", "ecg"), ("unknown", "eeg")),
        "eeg": (("eeg", "eeg"), ("unknown", "eeg")),
        "ecg": (("ecg", "ecg"), ("unknown", "ecg")),
    }
    for kind, found in orders.get(modality, ()):
        picks = [i for i, one in enumerate(kinds) if one == kind]
        if picks:
            picks = _of_one_rate(picks, rates)
            naming = electrode_name if found == "eeg" else lead_name
            names = unique([naming(labels[i]) for i in picks])
            left_out = tuple(label for i, label in enumerate(labels) if i not in set(picks))
            return Choice(found, tuple(picks), names, left_out, kind != "unknown")
    wanted = {"eeg": "EEG", "ecg": "ECG", "ct": "CT"}[modality] if modality else "EEG or ECG"
    some = ", ".join(labels[:SHOWN]) + (" …" if len(labels) > SHOWN else "")
    raise DataError(file, f"has no {wanted} channel in volts (found {some or 'none'}); it is left out.")


def of_the_same_kind(modality: Modality, left_out: Sequence[str]) -> str:
    """A warning of channels that were left out though they are called like those that were taken; else ""."""
    called = [name for name, kind in zip(left_out, kinds_by_name(left_out), strict=True) if kind == modality]
    if modality == "ecg":
        called = [name for name in left_out if is_lead(name)]
    names = ", ".join(called[:8]) + (" …" if len(called) > 8 else "")
    return ALIKE_LEFT_OUT.format(kind=modality.upper(), names=names) if called else ""


def _of_one_rate(picks: list[int], rates: Sequence[float]) -> list[int]:
    if not rates:
        return picks
    counts = Counter(rates[i] for i in picks)
    usual = max(counts, key=lambda rate: (counts[rate], rate))
    return [i for i in picks if rates[i] == usual]
