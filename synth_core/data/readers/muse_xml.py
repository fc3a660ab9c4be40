"""GE MUSE XML (`RestingECG`, restecg.dtd): the rhythm of a resting ECG, 16-bit samples in base64.

MUSE keeps eight leads of twelve. The other four follow from I and II by the laws of Einthoven and Goldberger: III =
II − I, aVR = −(I + II)/2, aVL = I − II/2, aVF = II − I/2. Median beats (`WaveformType` Median) are no recordings.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.readers.names import LIMB_AND_CHEST, lead_name, record_of
from synth_core.data.readers.units import factor
from synth_core.data.readers.xml_root import root_of
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

ROOT = "RestingECG"
LIMIT = 64 * 2**20  # bytes
MOST_LEADS = 32
DERIVED = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}  # of I and of II
WERE_DERIVED = "{names}: computed from I and II, as MUSE does not keep them."
SEX = {"MALE": "male", "FEMALE": "female"}
DAMAGED = "is a GE MUSE ECG (XML) {problem}; export it again, or as DICOM ECG or HL7 aECG."


@dataclass(frozen=True)
class Rhythm:
    """(leads, samples) mV, their names and Hz; `derived` are those that were computed."""

    names: tuple[str, ...]
    values: NDArray[np.float32]
    rate: float
    derived: tuple[str, ...]


@dataclass(kw_only=True)
class MuseEcg(Recording):
    """The rhythm of one file, which is parsed on `read`."""

    file: Path

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        state = self.file.stat() if self.file.is_file() else None
        rhythm = _rhythm(self.file, state.st_mtime_ns if state else 0)
        if rhythm.values.shape != self.spec.shape:
            raise DamagedFile(self.file, "has changed since it was opened; open it again.")
        return rhythm.values[:, first:last].copy()


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file."""
    recordings: list[Recording] = []
    for file in [file for file in files if root_of(file, files.head(file)) == ROOT]:
        files.take(file)
        try:
            recordings.append(_recording(file, files))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _recording(file: Path, files: Files) -> MuseEcg:
    root, rhythm = _root(file), _rhythm(file, file.stat().st_mtime_ns)
    sex = SEX.get((root.findtext("PatientDemographics/Gender") or "").strip().upper())
    return MuseEcg(
        spec=DataSpec("ecg", rhythm.values.shape, "mV", rhythm.rate, rhythm.names),
        subject="",
        record=record_of(files.relative(file)),
        evidence=files.evidence(file, stated=(root.findtext("PatientDemographics/PatientID") or "").strip()),
        source=Source(file.resolve().parent.name),
        metadata={"removed": ["patient", "start date", "start time"], **({"sex": sex} if sex else {})},
        warnings=(WERE_DERIVED.format(names=", ".join(rhythm.derived)),) if rhythm.derived else (),
        file=file,
    )


def _root(file: Path) -> Any:
    from defusedxml import ElementTree

    try:
        return ElementTree.fromstring(read_bounded(file, LIMIT, "an ECG"))
    except DataError:
        raise
    except Exception as error:  # ParseError, forbidden entities, wrong encodings
        raise DamagedFile(file, DAMAGED.format(problem="that is not valid XML")) from error


@lru_cache(maxsize=2)
def _rhythm(file: Path, _changed: int) -> Rhythm:
    waveforms = [
        one for one in _root(file).findall("Waveform") if (one.findtext("WaveformType") or "").strip() == "Rhythm"
    ]
    leads: dict[str, NDArray[np.float64]] = {}
    for lead in waveforms[0].findall("LeadData")[:MOST_LEADS] if waveforms else []:
        leads[lead_name(lead.findtext("LeadID") or "")] = _millivolts(file, lead)
    if not leads or len({len(values) for values in leads.values()}) > 1 or not len(next(iter(leads.values()))):
        problem = "whose leads have different lengths" if len(leads) > 1 else "without the waveforms of a rhythm"
        raise DamagedFile(file, DAMAGED.format(problem=problem))
    base, exponent = (_number(waveforms[0].findtext(name)) for name in ("SampleBase", "SampleExponent"))
    if not base or not 0 < base * 10 ** (exponent or 0) < 1e6:
        raise DamagedFile(file, DAMAGED.format(problem="that states no sampling rate (SampleBase)"))
    derived = [name for name in DERIVED if name not in leads and {"I", "II"} <= leads.keys()]
    for name in derived:
        one, two = DERIVED[name]
        leads[name] = one * leads["I"] + two * leads["II"]
    names = sorted(
        leads, key=lambda name: LIMB_AND_CHEST.index(name) if name in LIMB_AND_CHEST else len(LIMB_AND_CHEST)
    )
    values = np.stack([leads[name] for name in names]).astype(np.float32)
    return Rhythm(tuple(names), values, float(base * 10 ** (exponent or 0)), tuple(derived))


def _millivolts(file: Path, lead: Any) -> NDArray[np.float64]:
    """(samples,) of one lead."""
    name = (lead.findtext("LeadID") or "?").strip()[:8]
    scale = factor((lead.findtext("LeadAmplitudeUnits") or "").strip(), "ecg")
    per_bit = _number(lead.findtext("LeadAmplitudeUnitsPerBit"))
    if scale is None or not per_bit or (_number(lead.findtext("LeadSampleSize")) or 2) != 2:
        problem = f"whose lead {name} states no unit (LeadAmplitudeUnits and …PerBit) or samples of another size than 2"
        raise DamagedFile(file, DAMAGED.format(problem=problem))
    try:
        content = base64.b64decode("".join((lead.findtext("WaveFormData") or "").split()), validate=True)
        stored = np.frombuffer(content, "<i2").astype(np.float64)
    except ValueError as error:
        raise DamagedFile(file, DAMAGED.format(problem=f"whose lead {name} is not base64 of 16-bit samples")) from error
    declared = _number(lead.findtext("LeadSampleCountTotal"))
    if declared is not None and declared != len(stored):
        raise DamagedFile(
            file, DAMAGED.format(problem=f"whose lead {name} has {len(stored):,} of {declared:g} samples")
        )
    return stored * per_bit * scale


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
