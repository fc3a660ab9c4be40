"""Who takes part, by a name that cannot be mistaken for another's."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from synth_core.errors import StudyError

LONGEST_NAME = 80
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control, invisible, half, private, unassigned
_BLANK = frozenset(map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164)))
_BLANK |= frozenset(map(chr, (*range(0xFE00, 0xFE10), 0xFFA0, *range(0xE0100, 0xE01F0))))  # of other kinds, yet unseen
_ALIKE = ("LATIN", "CYRILLIC", "GREEK")  # scripts with letters that look the same


def shown_name(text: str, what: str = "name") -> str:
    """A name as it is kept: NFKC, single spaces.

    Raises
    ------
    StudyError : when it holds characters that cannot be seen, mixes look-alike scripts in a word, or is too long.
    """
    if any(unicodedata.category(character) in _UNSEEN or character in _BLANK for character in text.strip()):
        raise StudyError(f"This {what} holds characters that cannot be seen; type it anew, in letters and digits.")
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if any(len(_scripts(word)) > 1 for word in name.split()):
        raise StudyError(f"This {what} mixes letters of different scripts in one word; use one of them.")
    if len(name) > LONGEST_NAME:
        raise StudyError(f"A {what} has at most {LONGEST_NAME} characters.")
    return name


def _scripts(word: str) -> set[str]:
    return {script for letter in word for script in _ALIKE if unicodedata.name(letter, "").startswith(script)}


def folded(name: str) -> str:
    """A name as it is compared: "Anna", "ANNA" and full-width "Ａｎｎａ" are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@dataclass(frozen=True)
class Profile:
    """Who takes part: a name or pseudonym, the specialty, and years of experience in it."""

    name: str
    specialty: str
    years: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", shown_name(self.name))
        object.__setattr__(self, "specialty", shown_name(self.specialty, "specialty"))
        if not self.name:
            raise StudyError("Please give a name or a pseudonym.")
        if not any(character.isalnum() for character in self.name):
            raise StudyError("A name or pseudonym has a letter or a digit.")
        if not 0 <= self.years <= 80:
            raise StudyError("Years of experience must lie between 0 and 80.")
