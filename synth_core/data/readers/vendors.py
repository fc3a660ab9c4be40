"""Formats of makers that no well-kept library reads: named, with the way out, instead of "holds nothing".

They are known by their first bytes or by their root element; by their ending alone only where the format has no mark of
its own and the file is no text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, head
from synth_core.data.readers.xml_root import root_of
from synth_core.data.recording import Recording
from synth_core.errors import DataError, UnrecognisedData

ECG_OUT = "export it as DICOM ECG, HL7 aECG or WFDB"
EEG_OUT = "export it as EDF+"
SAID = "is {name}, which is not read; {out}."
XLI = 2**20  # bytes of a Philips file in which its compression is looked for
COMPRESSED = "a Philips ECG (Sierra XML) whose waveforms are compressed (XLI)"


@dataclass(frozen=True)
class Format:
    """One format: what it is, how its first bytes begin or, else, what fits them, and what to do instead."""

    name: str
    out: str
    begins: tuple[bytes, ...] = ()
    fits: Callable[[bytes], object] | None = None


def _at(offset: int, mark: bytes) -> Callable[[bytes], bool]:
    return lambda start: start[offset : offset + len(mark)] == mark


FORMATS = (
    Format("an SCP-ECG recording", ECG_OUT, fits=_at(16, b"SCPECG")),
    Format("an ISHNE Holter recording", ECG_OUT, (b"ISHNE1.0", b"ANN  1.0")),
    Format("an AliveCor recording (.atc)", ECG_OUT, (b"ALIVE\0\0\0",)),
    Format("a Micromed recording (.TRC)", EEG_OUT, (b"* MICROMED",)),
    Format(
        "a BCI2000 recording (.dat)", "export it as EDF+ or BrainVision, with BCI2000's own converter",
        fits=re.compile(rb"^(?:BCI2000V\s*=\s*\S+\s+)?HeaderLen\s*=\s*\d+\s+SourceCh\s*=").match,
    ),
    Format("a Neuroscan recording (.cnt)", EEG_OUT, (b"Version 3.0", b"Version 2.")),
    Format(
        "an ANT Neuro recording (.cnt)", EEG_OUT,
        fits=re.compile(rb"^(?:RIFF|RF64).{4,8}CNT ", re.DOTALL | re.IGNORECASE).match,
    ),
    Format("a Blackrock recording (.nsx)", EEG_OUT, (b"NEURALSG", b"NEURALCD", b"BRSMPGRP")),
    Format("a Neuralynx recording (.ncs)", EEG_OUT, (b"######## Neuralynx",)),
    Format("a Plexon recording (.plx)", EEG_OUT, (b"PLEX",)),
    Format("a LabChart recording (.adicht)", "export it as EDF or as text", (b"CFWB", b"ADIDATW")),
)  # fmt: skip
ROOTS = {
    "restingecgdata": Format("a Philips ECG (Sierra XML)", ECG_OUT),
    "cardiologyxml": Format("a GE CardioSoft ECG (XML)", ECG_OUT),
    "sapphire": Format("a GE MUSE ECG (Sapphire XML)", ECG_OUT),
    "examdescript": Format("a Schiller ECG (XML)", ECG_OUT),
    "ecg": Format("a Mortara ECG (ELI XML)", ECG_OUT),
}
ENDINGS = {  # of formats whose files bear no mark; only of binary files
    ".e": Format("a Natus NicoletOne recording (.e)", EEG_OUT),
    ".erd": Format("a Natus or XLTEK recording (.erd)", EEG_OUT),
    ".rda": Format("a Compumedics recording (.rda)", EEG_OUT),
    ".sdy": Format("a Compumedics study (.sdy)", EEG_OUT),
    ".trc": Format("a recording (.TRC) of Micromed, in a version that is not known", EEG_OUT),
    ".scp": Format("a recording (.scp) that its ending calls SCP-ECG", ECG_OUT),
    ".cdt": Format("a Curry recording (.cdt)", EEG_OUT),
    ".acq": Format("a BIOPAC recording (.acq)", "export it as EDF or as text"),
    ".smr": Format("a Spike2 recording (.smr)", "export it as EDF or as text"),
    ".smrx": Format("a Spike2 recording (.smrx)", "export it as EDF or as text"),
    ".xlsx": Format("an Excel workbook", "save its sheet as CSV"),
    ".xls": Format("an Excel workbook", "save its sheet as CSV"),
}
OF_R = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"RDX", b"RDA")  # .rda is also what R saves
ORPHANS = {  # ending → what is missing
    ".dat": "of a WFDB record (.hea) or of Persyst (.lay)",
    ".fdt": "of EEGLAB (.set)",
    ".vmrk": "of BrainVision (.vhdr)",
    ".eeg": "of BrainVision (.vhdr)",
    ".21e": "of Nihon Kohden (.EEG)",
    ".pnt": "of Nihon Kohden (.EEG)",
}


def read(files: Files, opening: Opening) -> list[Recording]:
    """No recordings: a sentence for each file of a known maker, and one for each folder of EGI."""
    folders: set[Path] = set()
    for file in files:
        folder = next((one for one in file.parents if one.name.lower().endswith(".mff")), None)
        if folder is not None and folder.is_relative_to(files.root.parent):
            files.take(file)
            if folder not in folders:
                folders.add(folder)
                named = SAID.format(name="an EGI recording (.mff, a folder)", out=EEG_OUT)
                opening.skipped.append(UnrecognisedData(folder, named))
            continue
        found = _format(file, files.head(file))
        if found is not None:
            files.take(file)
            opening.skipped.append(UnrecognisedData(file, SAID.format(name=found.name, out=found.out)))
    return []


def orphan(file: Path) -> DataError | None:
    """What to say of a file of samples or marks whose header is missing, where nothing else is there."""
    missing = ORPHANS.get(file.suffix.lower())
    if missing is None:
        return None
    return UnrecognisedData(
        file, f"says nothing without its header; put the file {missing} of the same name beside it."
    )


def _format(file: Path, start: bytes) -> Format | None:
    for one in FORMATS:
        if (one.begins and start.startswith(one.begins)) or (one.fits is not None and one.fits(start)):
            return one
    if root := root_of(file, start).lower():
        if root == "restingecgdata" and b"XLI" in head(file, XLI).upper():
            return Format(COMPRESSED, ECG_OUT)
        if root == "ecg" and not any(mark in head(file, XLI).upper() for mark in (b"MORTARA", b"UNIPRO", b"<SUBJECT")):
            return None
        return ROOTS.get(root)
    by_ending = ENDINGS.get(file.suffix.lower())
    is_text = start.isascii() and b"\0" not in start
    if by_ending is None or is_text or (file.suffix.lower() == ".rda" and start.startswith(OF_R)):
        return None
    return by_ending
