"""HL7 annotated ECG (aECG): Brown & Badilini 2005, HL7 aECG Implementation Guide; ANSI/HL7 V3 ECG R1-2004.

One recording per sequence set of a rhythm series. Representative beats and other derived series are not recordings and
are left out. Values are origin + scale × digits; time runs in the increment of the TIME sequence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, head, read_bounded
from synth_core.data.readers.names import lead_name, record_of, unique
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

LIMIT = 64 * 2**20  # bytes
MOST_ELEMENTS = 1_000_000
MOST_LEADS = 256
ROOT = b"AnnotatedECG"
LEAD = "MDC_ECG_LEAD_"
TO_MILLIVOLT = {"mV": 1.0, "uV": 1e-3, "µV": 1e-3, "nV": 1e-6, "V": 1e3}
TO_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
SEX = {"M": "male", "F": "female"}


@dataclass(kw_only=True)
class AnnotatedEcg(Recording):
    """One sequence set; `number` counts them in the file. The file is parsed on `read`."""

    file: Path
    number: int

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        state = self.file.stat() if self.file.is_file() else None
        sets = _decoded(self.file, state.st_mtime_ns if state else 0)
        if self.number >= len(sets) or sets[self.number].values.shape != self.spec.shape:
            raise DamagedFile(self.file, "has changed since it was opened; open it again.")
        return sets[self.number].values[:, first:last].copy()


@dataclass(frozen=True)
class _SequenceSet:
    """Lead names, (leads, samples) mV, Hz."""

    names: tuple[str, ...]
    values: NDArray[np.float32]
    rate: float


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per rhythm of each aECG file."""
    recordings: list[Recording] = []
    for file in [file for file in files if _is_aecg(files.head(file), file)]:
        files.take(file)
        try:
            recordings += _recordings(file, files)
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _recordings(file: Path, files: Files) -> list[Recording]:
    root, record = _root(file), record_of(files.relative(file))
    sets = [_sequences(file, one) for one in _sets(root)]
    if not sets:
        raise DataError(file, "holds no rhythm with leads; it is left out.")
    return [
        AnnotatedEcg(
            spec=DataSpec("ecg", one.values.shape, "mV", one.rate, one.names),
            subject="",
            record=record if len(sets) == 1 else f"{record}/{number + 1}",
            evidence=files.evidence(file, stated=_patient_code(root)),
            source=Source(file.parent.resolve().name),
            metadata=_sex(root),
            stated_unit="mV",
            file=file,
            number=number,
        )
        for number, one in enumerate(sets)
    ]


def _is_aecg(start: bytes, file: Path) -> bool:
    """By the name of the root element, which may follow a stylesheet and comments."""
    text = start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    return text.startswith(b"<") and ROOT in head(file, 4096).replace(b"\0", b"")


@lru_cache(maxsize=2)
def _decoded(file: Path, _changed: int) -> list[_SequenceSet]:
    return [_sequences(file, one) for one in _sets(_root(file))]


def _root(file: Path) -> Any:
    from defusedxml import ElementTree

    content = read_bounded(file, LIMIT, "an annotated ECG")
    if content.count(b"<") > 2 * MOST_ELEMENTS:
        raise DataError(file, f"has more than {MOST_ELEMENTS:,} elements, which no annotated ECG has.")
    try:
        return ElementTree.fromstring(content)
    except Exception as error:  # ParseError, forbidden entities, wrong encodings
        raise DamagedFile(file, "is not valid XML, or refers to other files; export it again.") from error


def _sets(root: Any) -> list[Any]:
    return list(root.findall("{*}component/{*}series/{*}component/{*}sequenceSet"))


def _sequences(file: Path, sequence_set: Any) -> _SequenceSet:
    """The leads of a set, decoded; DamagedFile when they have no common length or no time."""
    rate, leads = 0.0, []
    for sequence in sequence_set.findall("{*}component/{*}sequence"):
        code = _attribute(sequence.find("{*}code"), "code")
        value = sequence.find("{*}value")
        if code.startswith("TIME_"):
            seconds = _quantity(file, value, "increment", TO_SECONDS)
            rate = 1.0 / seconds if seconds > 0 else math.inf
        elif code.startswith(LEAD):
            leads.append((lead_name(code.removeprefix(LEAD)), _lead(file, value)))
    if not leads or len(leads) > MOST_LEADS or len({len(values) for _, values in leads}) > 1:
        raise DamagedFile(file, f"has {len(leads)} leads, or leads of different lengths; export it again.")
    if not 0 < rate < 1e6 or not len(leads[0][1]):
        raise DamagedFile(file, "has no time increment or no samples; export it again.")
    names = unique([name for name, _ in leads])
    return _SequenceSet(names, np.stack([values for _, values in leads]), round(rate, 6))


def _lead(file: Path, value: Any) -> NDArray[np.float32]:
    """(samples,) mV."""
    origin, scale = (_quantity(file, value, name, TO_MILLIVOLT) for name in ("origin", "scale"))
    digits = value.find("{*}digits")
    try:
        stored = np.array(("" if digits is None else digits.text or "").split(), np.float64)
    except ValueError as error:
        raise DamagedFile(file, "has digits that are not numbers; export it again.") from error
    values = (origin + scale * stored).astype(np.float32)
    if not np.isfinite(values).all():
        raise DamagedFile(file, "has values that are not finite; export it again.")
    return values


def _quantity(file: Path, value: Any, name: str, units: dict[str, float]) -> float:
    """A quantity such as <scale value="5" unit="uV"/> in the unit whose factor is 1."""
    element = None if value is None else value.find("{*}" + name)
    unit = _attribute(element, "unit")
    try:
        amount = float(_attribute(element, "value"))
    except ValueError:
        amount = math.nan
    if unit not in units or not math.isfinite(amount):
        raise DamagedFile(file, f"has a sequence whose {name} has no value in {' or '.join(units)}; export it again.")
    return amount * units[unit]


def _attribute(element: Any, name: str) -> str:
    return "" if element is None else str(element.get(name, ""))


def _patient_code(root: Any) -> str:
    """The id of the trial subject; "" where there is none."""
    identity = root.find(".//{*}trialSubject/{*}id")
    return _attribute(identity, "extension") or _attribute(identity, "root")


def _sex(root: Any) -> dict[str, str]:
    code = _attribute(root.find(".//{*}trialSubject//{*}administrativeGenderCode"), "code")
    return {"sex": SEX[code]} if code in SEX else {}
