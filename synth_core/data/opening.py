"""Files and folders → recordings, by what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from synth_core.data.archives import unpack_archives
from synth_core.data.class_folders import with_class_folders
from synth_core.data.identity import identified
from synth_core.data.listing import nothing_in
from synth_core.data.plausible import asked_about
from synth_core.data.readers import READERS, table, vendors
from synth_core.data.readers.base import RATES, Opening, Told
from synth_core.data.readers.channels import of_the_same_kind
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import unique
from synth_core.data.recording import Recording
from synth_core.data.tables import with_tables
from synth_core.errors import DamagedFile, DataError, UnrecognisedData

KNOWN_ENDINGS = {
    ".hea": "a WFDB header", ".edf": "EDF", ".bdf": "BDF", ".dcm": "DICOM", ".zip": "a zip archive",
    ".nii": "NIfTI", ".nii.gz": "NIfTI", ".mha": "MetaImage", ".mhd": "MetaImage", ".nrrd": "NRRD",
}  # fmt: skip
FORMATS = (
    "EEG (EDF, BDF, BrainVision, EEGLAB, FIF, GDF, XDF, Persyst, Nihon Kohden, EMOTIV, OpenBCI), "
    "ECG (WFDB, PTB-XL, HL7 aECG, GE MUSE, DICOM), "
    "CT (DICOM, NIfTI, MetaImage, NRRD, images with labels), arrays and tables"
)


def open_recordings(
    path: Path | str,
    *,
    rate: float | None = None,
    skipped: list[DataError] | None = None,
    **told: Unpack[Told],
) -> list[Recording]:
    """Open a file, a zip archive, or every recording of a folder tree, by content; only headers are read where a
    format has headers.

    Parameters
    ----------
    path : a file, an archive or a folder, which may mix formats.
    rate : Hz, for collections that keep each recording at several rates (PTB-XL: 100 by default, or 500), and for
        arrays and tables that do not say theirs.
    skipped : collects one error for each damaged file beside good ones; without it they are left out silently.
    unit, modality, channels : what arrays and tables do not say of themselves.
    labels_from, severity_from : columns of a table of participants that become classes and a severity in 0 … 1.
    label_column, subject_column, time_column : columns of a table of samples.
    within : the folder above which no table is looked for.
    window, hu_offset, pixel_mm : how values become HU, and mm between pixels, for images, arrays and volumes that do
        not say it. `Opening` describes all of these.

    Returns
    -------
    At least one recording, in the order of the collection.

    Raises
    ------
    UnrecognisedData : when nothing at the path is of a known format, or the folder is empty.
    DataError : when the collection, or every recording in it, is damaged; the message names the file.
    InvalidSetting : when a collection does not have the `rate` or a column, or an option is out of its range.
    """
    path = Path(path)
    opening = Opening(rate, **told)
    if not path.exists() and not path.is_symlink():
        raise DataError(path, "does not exist; check the path.")
    path = path.resolve() if path.is_dir() else path.parent.resolve() / path.name
    files = Files(path, opening.within)
    opening.skipped.extend(files.problems)
    if not len(files) and opening.skipped:
        raise opening.skipped[0]
    if not len(files):
        raise nothing_in(path)
    opening.skipped.extend(unpack_archives(files))
    recordings: list[Recording] = []
    for reader in READERS:
        try:
            recordings += reader.read(files, opening)
        except DataError as error:
            opening.skipped.append(error)
    opening.skipped.extend(_misnamed(files, opening, alone=not recordings))
    if not recordings:
        raise opening.skipped[0] if opening.skipped else _unrecognised(path)
    recordings = _of_possible_rates(recordings, opening)
    recordings = [_with_losses(one) for one in recordings]
    recordings = asked_about(recordings, opening.unit)
    recordings, folders = with_class_folders(with_tables(recordings, files))
    recordings = identified(_uniquely_named(recordings), opening.subject_pattern, folders)
    opening.check_used()
    if skipped is not None:
        skipped.extend(opening.skipped)
    return recordings


def _of_possible_rates(recordings: list[Recording], opening: Opening) -> list[Recording]:
    """Signals at a rate that an EEG or ECG can have; of the others it is asked."""
    low, high = RATES
    possible = [one for one in recordings if one.spec.is_image or low <= one.spec.rate <= high]
    for one in recordings:
        if not one.spec.is_image and not low <= one.spec.rate <= high:
            problem = f"would have a rate of {one.spec.rate:g} Hz, which no {one.spec.modality.upper()} has"
            opening.skipped.append(DataError(one.record, f"{problem}; correct the file or state the `rate`."))
    if recordings and not possible:
        raise opening.skipped[-1]
    return possible


def _with_losses(recording: Recording) -> Recording:
    """A warning where channels of its own kind were left out."""
    left_out = [str(name) for name in recording.metadata.get("channels left out", ())]
    said = of_the_same_kind(recording.spec.modality, left_out) if left_out and not recording.spec.is_image else ""
    return replace(recording, warnings=(*recording.warnings, said)) if said else recording


def _uniquely_named(recordings: list[Recording]) -> list[Recording]:
    """A number after the name of a record that another one has, such as a.edf beside a.bdf."""
    names = unique([one.record for one in recordings])
    return [
        one if one.record == name else replace(one, record=name) for one, name in zip(recordings, names, strict=True)
    ]


def _misnamed(files: Files, opening: Opening, alone: bool) -> Iterator[DataError]:
    """Files that no reader took though their names promise a format; beside recordings a table may be just a table."""
    for file in files:
        if not files.head(file):
            yield DamagedFile(file, "is empty; copy or download it again.")
            continue
        if alone and file.name.lower().endswith((*table.ENDINGS, ".txt") if file == files.path else table.ENDINGS):
            yield table.why_not(file, files, opening)
        elif alone and (without_header := vendors.orphan(file)):
            yield without_header
        for ending, expected in KNOWN_ENDINGS.items():
            if file.name.lower().endswith(ending):
                yield UnrecognisedData(file, f"is not {expected}, as its name says; export it again or remove it.")
                break


def _unrecognised(path: Path) -> DataError:
    return UnrecognisedData(path, f"holds nothing that can be read; SynthScope reads {FORMATS}.")
