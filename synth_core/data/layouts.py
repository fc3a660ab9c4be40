"""How known collections name people: explicit rules over the place of a file, the same wherever one opens a tree.

A rule looks at the end of a path, so that nothing above the collection and no renaming there changes its answer. Where
a collection keeps the person in a folder that is not there any more, its records count as one person until told
otherwise: a split must not put one patient on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

UNNAMED = "person not named"  # who those records are from whose folder of the patient is missing
MIT_BIH, LUDB = "MIT-BIH Arrhythmia", "LUDB"
MIT_BIH_RECORDS = frozenset(
    str(number)
    for number in (*range(100, 125), *range(200, 235))
    if number not in (110, 120, 204, 206, 211, 216, 218, 224, 225, 226, 227, 229)
)  # the 48 records


@dataclass(frozen=True)
class Layout:
    """One rule.

    Parameters
    ----------
    collection : its name.
    end : searched in the path of a file without its ending; the group `subject` is the person, and where the rule
        fits without that group the person is not named.
    same : codes that are one person → the code that is kept.
    """

    collection: str
    end: re.Pattern[str]
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Named:
    """Who a rule says: the collection, and the person, UNNAMED where the part of the path that names them is gone."""

    collection: str
    subject: str


def _rule(collection: str, end: str, same: Mapping[str, str] | None = None) -> Layout:
    return Layout(collection, re.compile(rf"(?:^|/)(?:{end})$", re.IGNORECASE), same or {})


LAYOUTS = (
    _rule("TUH EEG", r"(?P<subject>[a-z]{8}|\d{8})_s\d{3}_[at]\d+[^/]*"),
    _rule("Sleep-EDF", r"(?P<subject>(?:SC4|ST7)\d\d)\d[A-Z][0-9A-Z](?:-(?:PSG|Hypnogram))?"),
    _rule("CHB-MIT", r"(?P<subject>chb\d\d)[a-z]?_\d\d\+?", {"chb21": "chb01"}),  # one girl, 1.5 years apart
    _rule("BCI Competition IV 2a", r"(?P<subject>A0\d)[TE]"),
    _rule("BCI Competition IV 2b", r"(?P<subject>B0\d)0\d[TE]"),
    _rule("EEGMMIDB", r"(?P<subject>S\d{3})R\d\d"),
    _rule("Siena Scalp EEG", r"(?P<subject>PN[\dO]\d)-\d+(?:\.\d+)*"),
    _rule("MDD EEG of Mumtaz", r"(?:\d+_)?(?P<subject>(?:H|MDD) ?S\d+) +(?:EC|EO|TASK)"),
    _rule("SHHS", r"shhs[12]-(?P<subject>\d{6})"),
    _rule("MIMIC-III Waveform", r"(?P<subject>p\d{6})-\d{4}(?:-\d\d){4}n?"),
    _rule("MIMIC-IV-ECG", r"(?:(?P<subject>p\d{8})/)?s(?P<study>\d{8})/(?P=study)"),
    _rule("MIMIC-IV Waveform", r"(?P<subject>p\d{8})/(?P<study>\d{8})/(?P=study)(?:_\d+)?"),
    _rule("Icentia11k", r"(?P<subject>p\d{5})_s\d\d"),
    _rule("PTB Diagnostic ECG", r"(?:(?P<subject>patient\d{3})/)?s\d{4}(?:_re|lre)"),
    _rule("CQ500", r"(?P<subject>CQ500-?CT-?\d+)(?:[ _-][^/]*)?(?:/[^/]+)*"),
    _rule("CT-ICH", r"ct_scans/(?P<subject>\d{3})"),
    _rule("Brain CT hemorrhage", r"(?:(?P<subject>\d{2,3})/)?(?:brain|bone)/\d+(?:_HGE_Seg)?"),
    # the nearest part with a subject: the name of the file, else the folders above it
    _rule("BIDS", r"(?P<subject>sub-[a-z0-9]+)(?:[_.][^/]*)?(?:/(?!sub-)[^/]+)*"),
)
_SAME = {MIT_BIH: {"202": "201"}}  # one man, in the notes of the database


def named_by_layout(place: PurePath, known: str = "", person: str = "") -> Named | None:
    """Who a file is from by the layout of its collection; None where no rule fits.

    Parameters
    ----------
    place : where the file lies, with all that is known above it; its last ending is taken off.
    known : a collection that the reader has recognised by more than a path: of one record per person, or
    person : who the record is from in that collection.
    """
    if known:
        subject = person or place.stem
        return Named(known, _SAME.get(known, {}).get(subject, subject))
    path = without_ending(place)
    for layout in LAYOUTS:
        found = layout.end.search(path)
        if found:
            subject = _spelt(found["subject"]) if found["subject"] else UNNAMED
            return Named(layout.collection, layout.same.get(subject, subject))
    return None


def without_ending(place: PurePath) -> str:
    """A path as text, its endings of files taken off: a.nii.gz and a.nii are a."""
    text = place.as_posix()
    return re.sub(r"\.(?:nii\.gz|csv\.gz|tsv\.gz|[A-Za-z]\w{0,7})$", "", text)


def _spelt(subject: str) -> str:
    """One spelling of a code: in the case of its collection, PNO6 of Siena with a zero."""
    if re.fullmatch(r"PN[\dO]\d", subject, re.IGNORECASE):
        return subject.upper().replace("O", "0")
    if re.fullmatch(r"CQ500.*", subject, re.IGNORECASE):
        return subject.upper().replace("-", "")
    return subject.lower() if re.fullmatch(r"(?:chb|p\d|patient).*", subject, re.IGNORECASE) else subject
