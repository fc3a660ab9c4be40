"""Files and folders → recordings, by what is in them."""

from __future__ import annotations

from pathlib import Path

from synth_core.data.readers import READERS
from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import files_under
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError, InvalidSetting, UnrecognisedData

KNOWN_ENDINGS = {
    ".hea": "a WFDB header", ".edf": "EDF", ".dcm": "DICOM", ".zip": "a zip of Bonn EEG",
    ".csv": "a table of EEG chunks with columns X1 to X178", ".csv.gz": "a table of EEG chunks with columns X1 to X178",
}  # fmt: skip
FORMATS = "WFDB, PTB-XL, EDF, Bonn EEG (zip, folder or UCI table), DICOM CT and InVesalius volumes"


def open_recordings(
    path: Path | str, *, rate: float | None = None, skipped: list[DataError] | None = None
) -> list[Recording]:
    """Open a file, or every recording of a folder tree, by content; only headers are read where there are headers.

    Parameters
    ----------
    path : a file or a folder. The first format that recognises it reads it, so point at one collection.
    rate : Hz, for collections that keep each recording at several rates (PTB-XL: 100 by default, or 500).
    skipped : collects one error for each damaged file beside good ones; without it they are left out silently.

    Returns
    -------
    At least one recording, in the order of the collection.

    Raises
    ------
    UnrecognisedData : when nothing at the path is of a known format, or the folder is empty.
    DataError : when the collection, or every recording in it, is damaged; the message names the file.
    InvalidSetting : when a collection does not have the `rate`.
    """
    path = Path(path)
    if rate is not None and not rate > 0:
        raise InvalidSetting(f"`rate` must be positive. Got {rate} instead.")
    if not path.exists():
        raise DataError(path, "does not exist; check the path.")
    opening = Opening(rate)
    for reader in READERS:
        if reader.recognise(path):
            recordings = reader.read(path, opening)
            if not recordings:
                raise opening.skipped[0] if opening.skipped else DataError(path, "holds no recording that can be used.")
            if skipped is not None:
                skipped.extend(opening.skipped)
            return recordings
    raise _unrecognised(path)


def _unrecognised(path: Path) -> DataError:
    """The most helpful reason: an empty file or folder, or a file whose content contradicts its name."""
    empty = True
    for file in files_under(path):
        empty = False
        if file.stat().st_size == 0:
            return DamagedFile(file, "is empty; copy or download it again.")
        for ending, expected in KNOWN_ENDINGS.items():
            if file.name.lower().endswith(ending):
                return UnrecognisedData(file, f"is not {expected}, as its name says; export it again or open another.")
    if empty:
        return UnrecognisedData(path, "holds no files; choose a folder with recordings in it.")
    return UnrecognisedData(path, f"holds nothing that can be read; SynthScope reads {FORMATS}.")
