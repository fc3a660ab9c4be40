"""Files and folders → recordings, by what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from synth_core.data.archives import unpack_archives
from synth_core.data.readers import READERS
from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError, InvalidSetting, UnrecognisedData

KNOWN_ENDINGS = {
    ".hea": "a WFDB header", ".edf": "EDF", ".dcm": "DICOM", ".zip": "a zip archive",
    ".nii": "NIfTI", ".nii.gz": "NIfTI", ".mha": "MetaImage", ".mhd": "MetaImage", ".nrrd": "NRRD",
    ".csv": "a table of EEG chunks with columns X1 to X178", ".csv.gz": "a table of EEG chunks with columns X1 to X178",
}  # fmt: skip
FORMATS = (
    "WFDB, PTB-XL, EDF, Bonn EEG (zip, folder or UCI table), heartbeat tables, HL7 aECG, DICOM CT and ECG, NIfTI, "
    "MetaImage, NRRD, InVesalius volumes and folders of CT slices as PNG, JPEG or TIFF"
)


def open_recordings(
    path: Path | str,
    *,
    rate: float | None = None,
    window: tuple[float, float] | None = None,
    hu_offset: float | None = None,
    skipped: list[DataError] | None = None,
) -> list[Recording]:
    """Open a file, a zip archive, or every recording of a folder tree, by content; only headers are read where a
    format has headers.

    Parameters
    ----------
    path : a file, an archive or a folder, which may mix formats.
    rate : Hz, for collections that keep each recording at several rates (PTB-XL: 100 by default, or 500).
    window : HU at black and at white of 8-bit images of CT slices (0 … 80 by default: the brain window).
    hu_offset : what makes the values of 16-bit images HU, such as -1024; without it they are refused.
    skipped : collects one error for each damaged file beside good ones; without it they are left out silently.

    Returns
    -------
    At least one recording, in the order of the collection.

    Raises
    ------
    UnrecognisedData : when nothing at the path is of a known format, or the folder is empty.
    DataError : when the collection, or every recording in it, is damaged; the message names the file.
    InvalidSetting : when a collection does not have the `rate`, or the `window` is empty.
    """
    path = Path(path)
    if rate is not None and not rate > 0:
        raise InvalidSetting(f"`rate` must be positive. Got {rate} instead.")
    if not path.exists():
        raise DataError(path, "does not exist; check the path.")
    if window is not None and not window[0] < window[1]:
        raise InvalidSetting(f"`window` must go from a lower to a higher HU. Got {window} instead.")
    opening, files = Opening(rate, window, hu_offset), Files(path)
    if not len(files):
        raise UnrecognisedData(path, "holds no files; choose a folder with recordings in it.")
    opening.skipped.extend(unpack_archives(files))
    recordings: list[Recording] = []
    for reader in READERS:
        try:
            recordings += reader.read(files, opening)
        except DataError as error:
            opening.skipped.append(error)
    opening.skipped.extend(_misnamed(files, alone=not recordings))
    if not recordings:
        raise opening.skipped[0] if opening.skipped else _unrecognised(path)
    if skipped is not None:
        skipped.extend(opening.skipped)
    return recordings


def _misnamed(files: Files, alone: bool) -> Iterator[DataError]:
    """Files that no reader took though their names promise a format; beside recordings a table may be just a table."""
    for file in files:
        if not files.head(file):
            yield DamagedFile(file, "is empty; copy or download it again.")
            continue
        for ending, expected in KNOWN_ENDINGS.items():
            if file.name.lower().endswith(ending) and (alone or not ending.startswith(".csv")):
                yield UnrecognisedData(file, f"is not {expected}, as its name says; export it again or remove it.")
                break


def _unrecognised(path: Path) -> DataError:
    return UnrecognisedData(path, f"holds nothing that can be read; SynthScope reads {FORMATS}.")
