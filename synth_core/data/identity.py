"""Whose a recording is, decided in one place for all formats.

From, in this order: the pattern of the user; the layout of a known collection, whose headers hold whatever the recorder
filled in; what the file states, unless that is a placeholder; a table; and only then a guess. The answer depends on the
place of a file and on nothing that is chosen by opening another folder of the same tree. What was only guessed is said,
and travels with the data.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePath, PurePosixPath
from typing import TypeVar

from synth_core.data.deidentify import pseudonym
from synth_core.data.layouts import UNNAMED, named_by_layout, without_ending
from synth_core.data.patterns import people
from synth_core.data.recording import Basis, Evidence, Recording
from synth_core.errors import InvalidSetting

AnyRecording = TypeVar("AnyRecording", bound=Recording)

EACH_FILE = (
    "Nothing names the person, so each file counts as one: a split may put one person on both sides. State who is who "
    "by a pattern or a table."
)
BY_PATH = (
    "Who is who was guessed from names of files and folders: check it, or state it by a pattern, before a split "
    "is trusted."
)
NOT_NAMED = (
    "The folder or table that names the patients of {collection} is not here, so all of its records count as one "
    "person. Open the collection as it was published, or state who is who by a pattern."
)
PATTERN_MISSED = (
    "The subject pattern fits {fitting} of {all} recordings; the others are named as if there were no pattern."
)
PATTERN_SPLITS = (
    "The subject pattern makes several people of one whom the files name as the same: a split may put that person on "
    "both sides."
)

# words for a person come before letters that may mean one; s for a session is the last resort
_WORD = re.compile(
    r"(?:^|[_\-. ])((?:subject|subj|sub|participant|patient|pat|person|proband|case|volunteer)[-_ ]?\d+)", re.IGNORECASE
)
_LETTER = re.compile(r"^((?:pn|pt|vp|id|p)[-_]?\d+)(?![a-z0-9])", re.IGNORECASE)
_S = re.compile(r"^(s[-_]?\d+)(?![a-z0-9])(?!_(?:19|20)\d\d)", re.IGNORECASE)
_NUMBER = re.compile(r"^\d{1,7}$")
_LEADING_NUMBER = re.compile(r"^(\d{2,7})[_\-]")
_LONG_LEADING_NUMBER = re.compile(r"^(\d{4,7})[_\-]")  # of a folder: short ones count classes and steps
_SESSION = re.compile(
    r"^(?:(?:ses|session|visit|day|night|run|block)[_\- ]?\d*|(?:19|20)\d\d[_\-]?[01]\d[_\-]?[0-3]\d.*)$", re.IGNORECASE
)
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
MOST_ALIKE = 3  # warnings that differ in their numbers only
_PLACEHOLDER = re.compile(
    r"^(?:x+|0+|9{3,}|n/?a|nan|nil|none|null|unknown|unnamed|undefined|missing|empty|blank|default|test|demo|dummy|"
    r"sample|example|phantom|patient|subject|person|name|id|no[ _-]?(?:id|name|patient)|"
    r"(?:patient|subject)[ _^-]?(?:id|name|code|x+|0+)?|[-_.?*#^ ]*)$|"
    r"(?<![a-z])anon|de-?ident|^de-?id$|^hidden$|^private$|^blinded$|pseudonymi[sz]ed|redact|removed|masked|confidential|withheld|"
    r"not[ _-](?:available|stated|given)",
    re.IGNORECASE,
)


def is_placeholder(code: str) -> bool:
    """Whether a field for the patient holds a word that names nobody, such as X, 0000 or ANONYMIZED."""
    return bool(_PLACEHOLDER.search(code.strip()))


def identified(
    recordings: Sequence[AnyRecording], pattern: str | None = None, classes: frozenset[str] = frozenset()
) -> list[AnyRecording]:
    """The recordings with subject and basis; those that came without evidence keep theirs.

    Parameters
    ----------
    pattern : a regular expression, searched in the path below the folder that was opened, that folder included; its
        group `subject`, else its first group, else all that it matches is the person.
    classes : names of folders that are classes and so no people.

    Raises
    ------
    InvalidSetting : for a pattern that is no regular expression, or that fits no recording.
    """
    told = [""] * len(recordings) if pattern is None else people(pattern, [path_of(one) for one in recordings]).people
    named = [_named(one, person, classes) for one, person in zip(recordings, told, strict=True)]
    if pattern is None:
        return named
    fitting = sum(one.basis == "pattern" for one in named)
    if not fitting:
        raise InvalidSetting(
            f"The subject pattern {pattern!r} fits no recording; the first is {path_of(recordings[0])}."
        )
    warnings = []
    if fitting < len(named):
        warnings.append(PATTERN_MISSED.format(fitting=fitting, all=len(named)))
    if _splits(recordings, named):
        warnings.append(PATTERN_SPLITS)
    return [replace(one, warnings=(*one.warnings, *warnings)) for one in named]


def path_of(recording: Recording) -> str:
    """What a pattern is searched in."""
    evidence = recording.evidence
    return recording.record if evidence is None else evidence.shown


def basis_counts(recordings: Sequence[Recording]) -> dict[str, int]:
    """Recordings per basis, most frequent first."""
    return dict(Counter(one.basis for one in recordings).most_common())


def distinct_warnings(recordings: Sequence[Recording]) -> list[str]:
    """Every warning once, with the number of recordings that it holds for where these are not all.

    Of more than MOST_ALIKE that differ in their numbers only, the most frequent stands for all.
    """
    counts = Counter(sentence for one in recordings for sentence in dict.fromkeys(one.warnings))
    alike: dict[str, list[str]] = defaultdict(list)
    for sentence, _ in counts.most_common():
        alike[_NUMBERS.sub("0", sentence)].append(sentence)
    for first, *others in alike.values():
        if len(others) >= MOST_ALIKE:
            counts[first] += sum(counts.pop(other) for other in others)
    if len(recordings) == 1:
        return list(counts)
    return [
        sentence if count == len(recordings) else f"{sentence} ({count} of {len(recordings)} recordings)"
        for sentence, count in counts.most_common()
    ]


def _named(recording: AnyRecording, told: str, classes: frozenset[str]) -> AnyRecording:
    evidence = recording.evidence
    if evidence is None:
        return recording
    subject, basis, warning = _decided(evidence, told, classes)
    if evidence.collection and basis != "pattern":
        subject = f"{evidence.collection}/{subject}"
    warnings = (*recording.warnings, warning) if warning else recording.warnings
    evidence = replace(evidence, stated="")  # a code may be a number of the hospital: it goes no further
    return replace(recording, subject=subject, basis=basis, warnings=warnings, evidence=evidence)


def _decided(evidence: Evidence, told: str, classes: frozenset[str]) -> tuple[str, Basis, str]:
    """Subject, basis, and what to warn of. `told`: whom the pattern of the user finds, "" for nobody."""
    if told:
        return told, "pattern", ""
    if evidence.known and evidence.note:  # a collection that names no people
        return evidence.whole or evidence.place.stem, "guess", evidence.note
    layout = named_by_layout(evidence.place, evidence.known, evidence.whole)
    stated = "" if is_placeholder(evidence.stated) or evidence.stated == evidence.place.stem else evidence.stated
    if layout is not None and layout.subject != UNNAMED:  # headers of known collections hold what recorders filled in
        return layout.subject, "stated" if stated.lower() == layout.subject.lower() else "layout", ""
    if stated:
        return _shown(stated, evidence), "stated", ""
    if evidence.table:
        return evidence.table, "table", ""
    if layout is not None:
        return UNNAMED, "guess", NOT_NAMED.format(collection=layout.collection)
    by_path = _guessed(evidence.place, classes)
    if by_path:
        return by_path, "guess", evidence.note or BY_PATH
    return evidence.whole or _file(evidence), "guess", evidence.note or EACH_FILE


def _file(evidence: Evidence) -> str:
    """The file itself, named below the opened folder."""
    return without_ending(PurePosixPath(*PurePosixPath(evidence.shown).parts[1:]))


def _shown(code: str, evidence: Evidence) -> str:
    """A code as it is where it is public: declared so, or part of the path anyway; else its hash."""
    parts = {part.lower() for part in re.split(r"[/_.]", evidence.place.as_posix())}
    return code if evidence.public or code.lower() in parts else pseudonym(code)


def reads_as_person(folder: str) -> bool:
    """Whether a folder is called like a person: sub-07, P12, 12345."""
    found = any(kind.search(folder) for kind in (_WORD, _LETTER, _S))
    return found or bool(_NUMBER.match(folder) and not _YEAR.match(folder))


def _guessed(place: PurePath, classes: frozenset[str]) -> str:
    """A name in the path that reads like a person: words first, then letters, s, numbers of folders, and last the
    folder above one that is called like a session; of one kind the nearest to the file."""
    parts = PurePosixPath(without_ending(place)).parts[::-1]
    folders = [part for part in parts[1:] if part not in classes]
    for kind in (_WORD, _LETTER, _S):
        for part in (parts[0], *folders):
            if found := kind.search(part):
                return found[1]
    if (leading := _LEADING_NUMBER.match(parts[0])) and not _YEAR.match(leading[1]):
        return leading[1]
    numbers = [part for part in folders[:2] if _NUMBER.match(part) and not _YEAR.match(part)]
    if numbers:
        return numbers[-1]
    for part in folders[:2]:
        if (leading := _LONG_LEADING_NUMBER.match(part)) and not _YEAR.match(leading[1]):
            return leading[1]
    return next((above for below, above in pairwise(folders[:3]) if _SESSION.match(below) and above), "")


def _splits(before: Sequence[Recording], after: Sequence[Recording]) -> bool:
    """Whether recordings of one stated person have got several names."""
    names: dict[str, set[str]] = defaultdict(set)
    for one, named in zip(before, after, strict=True):
        if one.evidence is not None and not is_placeholder(one.evidence.stated):
            names[one.evidence.stated].add(named.subject)
    return any(len(given) > 1 for given in names.values())
