"""Classes by the folders that files lie in: `stroke/` and `normal/`, wherever parts of a split or patients lie between.

A folder is a class where it is called by words; parts of a split, windows, formats and sessions are none. Looking
upwards from a file, such folders and those of patients are passed over, sessions and dates are not: what lies above
them is a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import PurePath

from synth_core.data.identity import reads_as_person
from synth_core.data.layouts import named_by_layout
from synth_core.data.recording import Recording

MOST_CLASSES = 20
WITH_CLASSES = ("TUH EEG", "BIDS")  # known collections whose folders may be classes; those of others are shelves
_PASSED = re.compile(
    r"^(?:(?:train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?|dev|eval(?:uation)?|hold[_\- ]?out)(?:[_\- ]?(?:set|data|"
    r"split|images?|\d+))?|folds?[_\- ]?\d*|bone|images?|imgs?|pics?|data(?:set)?|files?|records?|raw|ct|eeg|ecg|edf|"
    r"nii|dicom|dcm|scans?|slices?|png|jpe?g|tiff?|ct_scans|\d+_tcp_[a-z_]+|(?:sub|subj|subject|pat|patient)[_\- ].+|"
    r".*\.zip)$",
    re.IGNORECASE,
)
_EITHER = tuple(  # windows and shelves, which may be classes too
    re.compile(words, re.IGNORECASE)
    for words in ("brain$", "subdural$", r"(?:subjects?|subs?|patients?|pats?|participants?)(?:_ct)?$")
)
_READINGS = tuple(words for count in range(len(_EITHER) + 1) for words in combinations(_EITHER, count))
_STOP = re.compile(r"^(?:ses(?:sion)?s?(?:[_\- ].*)?|visit.*|runs?)$", re.IGNORECASE)


def with_class_folders(recordings: Sequence[Recording]) -> tuple[list[Recording], frozenset[str]]:
    """Recordings without classes, labelled by the folders that they lie in; and the names of these folders.

    There must be a few of them, each with two files at least. `brain`, `subdural` or `patients` is a class beside one
    that surely is, such as `epidural` or `control`, and else a window or a shelf.
    """
    own = [i for i, one in enumerate(recordings) if one.evidence is not None and not one.labels]
    # each reading takes some of these words for no classes; the first that gives classes counts
    readings = ({i: folder for i in own if (folder := _class_folder(recordings[i], none))} for none in _READINGS)
    names = next((one for one in readings if len(one) == len(own) and _are_classes(Counter(one.values()))), {})
    if not names:
        return list(recordings), frozenset()
    counts = Counter(names.values())
    result = list(recordings)
    said = f"The classes are the names of the folders: {', '.join(sorted(counts))}."
    for i, name in names.items():
        labels = {one: int(one == name) for one in sorted(counts)}
        result[i] = replace(result[i], labels=labels, warnings=(*result[i].warnings, said))
    return result, frozenset(counts)


def _are_classes(counts: Counter[str]) -> bool:
    sure = any(not any(one.match(name) for one in _EITHER) for name in counts)
    return sure and 1 < len(counts) <= MOST_CLASSES and min(counts.values()) > 1


def _class_folder(recording: Recording, none: Sequence[re.Pattern[str]]) -> str:
    """The nearest folder above a file, within what was opened, that may be a class; else ""."""
    evidence = recording.evidence
    layout = named_by_layout(evidence.place, evidence.known) if evidence is not None else None
    if evidence is None or (layout is not None and layout.collection not in WITH_CLASSES):
        return ""
    parts = PurePath(evidence.shown).parts[1:-1]
    for name in reversed(parts):
        if _PASSED.match(name) or reads_as_person(name) or any(one.match(name) for one in none):
            continue
        return "" if _STOP.match(name) or any(map(str.isdigit, name)) else name
    return ""
