"""EEGLAB `.set` files with their samples inside or in a `.fdt` beside them: Delorme & Makeig 2004, J Neurosci Methods
134:9. MATLAB files of version 5 or 7.3 with the structure `EEG`, opened by MNE. Values are µV by convention.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, sibling
from synth_core.data.readers.matlab import VERSION_5, VERSION_7, check_hdf5, check_version_5
from synth_core.data.readers.mne_raw import MOST_CHANNELS, NO_KINDS, MneRecording, mne_recording, named_as
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

FIELDS = ("EEG", "ALLEEG", "data", "nbchan", "pnts", "trials", "srate")
FLAT = {"nbchan", "srate", "data"}  # newer versions save the fields of the structure as variables


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per `.set` file, continuous ones only."""
    recordings: list[Recording] = []
    for file in files.starting(VERSION_5, VERSION_7):
        try:
            if not is_eeglab(file):
                continue
            files.take(file)
            recordings.append(read_file(file, files, opening))
        except DataError as error:
            files.take(file)
            opening.skipped.append(error)
    return recordings


def read_file(file: Path, files: Files, opening: Opening, kinds: Mapping[str, str] = NO_KINDS) -> MneRecording:
    """The recording of one file; DataError says why there is none. `kinds`: of channels, where known from elsewhere."""
    belonging = _belonging(file)
    files.take(*belonging)
    metadata = {"unit": "µV by the convention of EEGLAB, the file states none"}
    opened = named_as(file, ".set", *belonging)
    return mne_recording(opened, files.relative(file), _open, opening, kinds=kinds, metadata=metadata)


def is_eeglab(file: Path) -> bool:
    """Whether a MATLAB file holds the structure of EEGLAB; DataError when it is damaged."""
    names = variables(file)
    return "EEG" in names or "ALLEEG" in names or names >= FLAT


def variables(file: Path) -> set[str]:
    """Names of the variables of a MATLAB file."""
    import h5py
    import scipy.io

    with file.open("rb") as opened:
        hdf5 = opened.read(len(VERSION_7)) == VERSION_7
    try:
        if hdf5:
            with h5py.File(file, "r") as content:
                return set(content)
        check_version_5(file)
        return {name for name, _, _ in scipy.io.whosmat(file)}
    except DataError:
        raise
    except Exception as error:  # the libraries raise whatever their parsing raised
        raise DamagedFile(file, "is a damaged MATLAB file; copy or save it again.") from error


def _open(file: Path) -> Any:
    import mne

    return mne.io.read_raw_eeglab(file, preload=False, montage_units="mm", verbose="ERROR")


def _belonging(file: Path) -> list[Path]:
    """The file of samples, if it is one of its own; checked against what the structure declares."""
    structure = _structure(file)
    channels, points, trials = (_count(file, structure, name) for name in ("nbchan", "pnts", "trials"))
    if trials > 1:
        raise DataError(file, f"holds {trials} epochs; export the continuous recording that they were cut from.")
    if not 0 < channels <= MOST_CHANNELS or not 0 < points < 2**40:
        raise DamagedFile(file, f"declares {channels} channels of {points} samples; save it again.")
    data = structure.get("data")
    if not isinstance(data, str):
        if np.size(np.asarray(data)) != channels * points:
            raise DamagedFile(file, "does not hold as many samples as it declares; save it again.")
        return []
    named, beside = sibling(file, data), file.with_suffix(".fdt")
    samples = named if named.is_file() else beside
    if not samples.is_file():
        raise DamagedFile(file, f"names the file of samples {named.name}, which is not beside it; put it there.")
    expected, size = 4 * channels * points, samples.stat().st_size
    if size < expected:
        raise DamagedFile(samples, f"is cut short: {size:,} of {expected:,} bytes are there. Copy it again.")
    return [samples]


def _structure(file: Path) -> Mapping[str, Any]:
    import pymatreader

    with file.open("rb") as opened:
        if opened.read(len(VERSION_7)) == VERSION_7:
            check_hdf5(file, loaded=True)
        else:
            check_version_5(file)
    try:
        content = pymatreader.read_mat(str(file), variable_names=list(FIELDS))
    except Exception as error:  # pymatreader raises whatever its parsing raised
        raise DamagedFile(file, "is a damaged MATLAB file; copy or save it again.") from error
    if "ALLEEG" in content:
        raise DataError(file, "holds several data sets (ALLEEG); save each as a file of its own.")
    structure = content.get("EEG", content)
    if not isinstance(structure, Mapping):
        raise DamagedFile(file, "has an EEG variable that is no structure; save it again from EEGLAB.")
    return structure


def _count(file: Path, structure: Mapping[str, Any], name: str) -> int:
    try:
        return int(structure.get(name, 1))
    except (TypeError, ValueError, OverflowError) as error:
        raise DamagedFile(file, f"has no number in its field {name}; save it again.") from error
