"""What describes a collection and lies above the folder that was opened: tables of records and people, descriptions.

Who is who and what is known of a record must not depend on which folder of a tree somebody points at. So the folders
above are looked into, a few of them, and only where one holds a file that describes a known kind of tree. Nothing but
such tables is read there: no recordings are added.
"""

from __future__ import annotations

import os
from pathlib import Path

from synth_core.data.listing import kind_left_out

LEVELS = 4  # folders above the opened one
MOST = 200  # files of one folder
TABLES = ("labels.csv", "labels.tsv", "hemorrhage_diagnosis.csv", "hemorrhage_diagnosis_raw_ct.csv")
MARKERS = ("ptbxl_database.csv", "dataset_description.json", *TABLES)  # that a folder is the top of a tree
ENDINGS = (".csv", ".tsv", ".json")


def described_above(opened: Path, within: Path | None = None) -> list[Path]:
    """Tables and descriptions in the folders above, the nearest folder first; none where none of them has a marker.

    Parameters
    ----------
    opened : the folder or file that was opened, resolved.
    within : the folder that is never left, such as that of an upload.
    """
    folders = list(opened.parents)[:LEVELS]
    if within is not None:
        folders = [folder for folder in folders if folder.is_relative_to(within.resolve())]
    marked = [i for i, folder in enumerate(folders) if any(_is_own(folder / name, opened) for name in MARKERS)]
    return [file for folder in folders[: max(marked, default=-1) + 1] for file in _descriptions(folder, opened)]


def _descriptions(folder: Path, opened: Path) -> list[Path]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.lower().endswith(ENDINGS) and name[0] != ".")
    except OSError:
        return []
    files = [folder / name for name in names[:MOST]]
    return [file for file in files if file != opened and _is_own(file, opened)]


def _is_own(file: Path, opened: Path) -> bool:
    """Whether it is a regular file, of the owner of what was opened, of this user or of the machine: in a folder that
    many can write to, others do not say who is who."""
    try:
        owners = {os.stat(opened).st_uid, os.getuid(), 0}
        return os.stat(file).st_uid in owners and file.is_file() and not kind_left_out(file, file.parent)
    except OSError:
        return False
