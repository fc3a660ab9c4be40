"""CT series in DICOM files: Hounsfield units by the modality rescale, slices in order along their normal.

Headers are read on opening, pixels on `read`; see `dicom_slices` for one file. Axial slices only, turned so that
anterior is at the top and the right of the patient on the left. Tilt and irregular gaps stay as they are and are told
in the metadata. Nothing that the basic profile of PS3.15 removes leaves this module: ids and UIDs are hashed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.deidentify import burned_in_warning, personal_attributes
from synth_core.data.identity import is_placeholder
from synth_core.data.readers.base import Opening
from synth_core.data.readers.dicom_seg import Candidate, Segmentation, is_segmentation, segmentation_of, unused
from synth_core.data.readers.dicom_slices import (
    MOST_SLICES,
    SCALES,
    Slice,
    groups_of,
    header_of,
    hounsfield,
    is_dicom,
    slices_in,
    value_of,
)
from synth_core.data.readers.dicom_stacks import stacks_of, without_copies
from synth_core.data.readers.files import Files
from synth_core.data.readers.hounsfield import Meaning, meaning_of
from synth_core.data.recording import Evidence, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

SHOWN = {
    "SeriesNumber": "series number", "Manufacturer": "manufacturer", "ManufacturerModelName": "scanner",
    "ConvolutionKernel": "kernel", "KVP": "tube voltage (kV)", "SliceThickness": "slice thickness (mm)",
    "GantryDetectorTilt": "gantry tilt (degrees)", "BodyPartExamined": "body part",
}  # fmt: skip
FREE_TEXT = {"SeriesDescription": "series", "StudyDescription": "study"}  # shown where declared free of identity
FREE_TEXT_NAMES = {"Series Description": "series", "Study Description": "study"}
DIRECTORY = "1.2.840.10008.1.3.10"
NO_PATIENT = (
    "The headers name no patient, so who is who is guessed: each study, or each folder that is called like a person, "
    "counts as one."
)


@dataclass(kw_only=True)
class DicomSeries(Recording):
    """One series; `images` are its slices in order along the normal, from the lowest position."""

    images: tuple[Slice, ...]
    meaning: Meaning
    segmentation: Segmentation | None = None

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        volume = np.empty((last - first, *self.spec.shape[1:]), np.float32)
        for i, image in enumerate(self.images[first:last]):
            volume[i] = hounsfield(image)
        return self.meaning.hounsfield(volume)

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; from a DICOM segmentation beside the series."""
        if self.segmentation is None:
            return None
        return np.stack([self.segmentation.mask(image) for image in self.images[slice(*self.span(start, stop))]])


@dataclass
class _Found:
    """What is known of a series while its files are read: a header, not the headers."""

    header: Any
    images: list[Slice] = field(default_factory=list)


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per CT series with at least one readable slice; scouts and other modalities are skipped.

    Segmentations of a series become its lesion masks. Directories (DICOMDIR) are taken and not followed.
    """
    found: dict[tuple[str, ...], _Found] = {}
    segmentations: list[Candidate] = []
    for file in [file for file in files if is_dicom(files.head(file))]:
        files.take(file)
        try:
            header = header_of(file)
            if is_segmentation(header):
                segmentations.append(Candidate(file, str(header.get("FrameOfReferenceUID", ""))))
            elif str(header.file_meta.get("MediaStorageSOPClassUID", "")) != DIRECTORY:
                for image in slices_in(file, header):
                    found.setdefault(_series_key(header), _Found(header)).images.append(image)
        except Exception as error:  # pydicom converts a value when it is asked for, and raises whatever that raised
            opening.skipped.append(_damaged(file, error))
    recordings: list[Recording] = []
    for series in found.values():
        try:
            images = _of_one_scale(_of_one_geometry(without_copies(series.images, opening), opening), opening)
            stacks = stacks_of(images)
            for number, stack in enumerate(stacks):
                one = _Found(series.header, stack)
                recordings.append(_series(one, segmentations, files, opening, number if len(stacks) > 1 else None))
        except Exception as error:
            opening.skipped.append(_damaged(series.images[0].file, error))
    opening.skipped.extend(unused(segmentations))
    return recordings


def _damaged(file: Path, error: Exception) -> DataError:
    """The error itself where it is one of ours."""
    if isinstance(error, DataError):
        return error
    damaged = DamagedFile(file, "has a header that cannot be read; export it again.")
    damaged.__cause__ = error
    return damaged


def _series_key(header: Any) -> tuple[str, ...]:
    """Patient, study and series: one UID for two patients must not mix them."""
    tags = ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID")
    return tuple(str(header.get(tag, "")) for tag in tags)


def _series(
    found: _Found, segmentations: list[Candidate], files: Files, opening: Opening, number: int | None = None
) -> DicomSeries:
    first = found.images[0]
    if len(found.images) > MOST_SLICES:
        raise DataError(
            first.file.parent, f"has a series of {len(found.images)} slices; at most {MOST_SLICES} are read."
        )
    kept = sorted(found.images, key=lambda one: one.position)
    spacing = float(np.mean(kept[0].spacing))
    meaning = _meaning(found.header, kept[len(kept) // 2], opening)
    return DicomSeries(
        spec=DataSpec("ct", (1, *kept[0].size), "HU", 1.0 / spacing),
        subject="",
        evidence=_evidence(files, first.file, found.header),
        warnings=(*_warnings(found.header, first), *meaning.warnings),
        record=f"series-{_hash(str(found.header.SeriesInstanceUID))}" + ("" if number is None else f"/{number + 1}"),
        slices=len(kept),
        source=Source(kept[0].file.parent.resolve().name),
        metadata={**_described(found.header, first), "slices": len(kept), **_gaps(kept), "pixel spacing (mm)": spacing},
        images=tuple(kept),
        meaning=meaning,
        segmentation=segmentation_of(kept, str(found.header.get("FrameOfReferenceUID", "")), segmentations, opening),
    )


def _of_one_geometry(slices: list[Slice], opening: Opening) -> list[Slice]:
    """Those of the most frequent size, spacing and orientation; the others are skipped."""
    usual = Counter(one.geometry for one in slices).most_common(1)[0][0]
    others = [one for one in slices if one.geometry != usual]
    _skip(others, "has another size or orientation than the rest of its series", opening)
    return [one for one in slices if one.geometry == usual]


def _of_one_scale(slices: list[Slice], opening: Opening) -> list[Slice]:
    """Those whose headers give a scale as most do: without it, the values of a slice mean something else."""
    usual = Counter(one.scale for one in slices).most_common(1)[0][0]
    others = [one for one in slices if one.scale != usual]
    _skip(others, "says something else of its scale (rescale slope, intercept and type) than its series", opening)
    return [one for one in slices if one.scale == usual]


def _skip(slices: list[Slice], problem: str, opening: Opening) -> None:
    """One error for each file; frames of one file are counted."""
    for file, count in Counter(one.file for one in slices).items():
        opening.skipped.append(DataError(file, f"{problem}." if count == 1 else f"{problem} ({count} frames)."))


def _gaps(slices: list[Slice]) -> dict[str, Any]:
    """Distances between neighbouring slices."""
    if len(slices) < 2:
        return {}
    gaps = np.diff([one.position for one in slices])
    return {
        "slice gaps (mm)": [round(float(value), 3) for value in np.unique(gaps.round(2))],
        "irregular slice gaps": bool(gaps.max() - gaps.min() > 0.1 * np.median(gaps)),
    }


def _described(header: Any, first: Slice) -> dict[str, Any]:
    """What may be shown of the header, what was dropped from it, and what to beware of."""
    shown = dict(SHOWN)
    if str(header.get("PatientIdentityRemoved", "")).upper() == "YES":
        shown |= FREE_TEXT
    groups = groups_of(header, first.frame or 0)
    values = {name: value_of(header, tag, groups) for tag, name in shown.items()}
    described: dict[str, Any] = {name: str(value) for name, value in values.items() if _is_plain(value)}
    removed = set(_removed(first)) - {title for title, name in FREE_TEXT_NAMES.items() if name in described}
    described["removed"] = sorted(removed)
    return described


def _warnings(header: Any, first: Slice) -> tuple[str, ...]:
    """What whoever uses the series should know."""
    return tuple(filter(None, (burned_in_warning(header), SCALES[first.scale])))


def _meaning(header: Any, middle: Slice, opening: Opening) -> Meaning:
    """By the bounds for every format, from one slice; a slice that cannot be decoded is said when it is read."""
    scaled = middle.scale != "none"
    try:
        values = hounsfield(middle)
    except DataError:
        return Meaning()
    few_bits = not scaled and int(header.get("BitsAllocated", 16)) <= 8
    return meaning_of(values, opening, middle.file, few_bits=few_bits, scaled=scaled)


def _removed(first: Slice) -> list[str]:
    """Names of the attributes of a slice that are not shown because of what they may say."""
    return personal_attributes(header_of(first.file, None))


def _is_plain(value: Any) -> bool:
    """Whether a value is short and printable: a wrong length in a damaged header would show what lies after it."""
    text = str(value)
    return value is not None and 0 < len(text) <= 64 and text.isprintable() and "^" not in text


def _evidence(files: Files, file: Path, header: Any) -> Evidence:
    """The patient ID, or the name where that is no use; where neither names a person, the study counts as one."""
    codes = (str(header.get(tag) or "").strip() for tag in ("PatientID", "PatientName"))
    stated = next((code for code in codes if code and not is_placeholder(code)), "")
    study = str(header.get("StudyInstanceUID") or header.SeriesInstanceUID)
    return files.evidence(file, stated=stated, whole=f"study-{_hash(study)[:8]}", note=NO_PATIENT)


def _hash(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:12]
