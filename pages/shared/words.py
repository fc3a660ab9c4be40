"""How numbers, units and specifications are put into words on pages."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

MODALITY_TITLES = {"eeg": "EEG", "ecg": "ECG", "ct": "CT"}
TOLD = {
    "rate": "Rate (Hz)",
    "unit": "Unit",
    "modality": "Modality",
    "channels": "Channels",
    "label_column": "Column with the classes",
    "subject_column": "Column with the subjects",
    "time_column": "Column with the time",
    "labels_from": "Classes from participants.tsv",
    "severity_from": "Severity from participants.tsv",
    "hu_offset": "Offset to HU",
    "window": "Window (HU)",
    "pixel_mm": "Pixel size (mm)",
}  # what files may leave unsaid: the engine's and the command line's names, and those of the form
_UNITS = {"uV": "µV", "pixels": "px"}


def unit(name: str) -> str:
    """A unit as people write it: µV for uV."""
    return _UNITS.get(name, name)


def number(value: float) -> str:
    """An integer with thousands separated by a thin space; other values with three significant digits."""
    if float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.3g}"


def short(value: float) -> str:
    """Three significant digits, whole numbers in full, a true minus sign; a dash for what is not known."""
    if math.isnan(value):
        return "–"
    text = f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "\u2212")


_SPACES = re.compile(r"[\t\n\v\f\r \x1c-\x1f\x85\u2028\u2029]+")
# control characters, half characters, and marks that turn the direction of what follows
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_MARKS = re.compile(r"[\\`*_{}\[\]#!|<>$&~]")
_LEADING = re.compile(r"^(\d{0,9})([-+.=])")
_JOINER = "\u2060"  # takes no room and allows no line break
# Streamlit and GFM look for these after backslashes are gone: :icon:, ://, @, www., arrows and comparisons
_LATE = re.compile(r":(?=\S)|(?<=\S)@(?=\S)|(?i:www)(?=\.)|(?<!\S)[<>~-](?=[-=>])|(?<=<-)(?=>)")


def plain(text: object) -> str:
    """Text of users and files for Markdown, on one line: shown as it is, never as a link, picture, formula or icon."""
    seen = _UNSEEN.sub("\ufffd", _SPACES.sub(" ", str(text))).strip(" ")
    parted = _LATE.sub(lambda found: found[0] + _JOINER, seen)
    escaped = _MARKS.sub(r"\\\g<0>", parted)
    return re.sub(r":$", r"\:", _LEADING.sub(r"\1\\\2", escaped))


_BOLD = re.compile(r"\*\*(?=\w)([^*]*\w)\*\*(?!\w)")
_TOLD = re.compile(rf"`({'|'.join(TOLD)})`")


def asks(text: object) -> bool:
    """Whether a sentence of the engine names something that files do not say and the form takes."""
    return _TOLD.search(str(text)) is not None


def as_in_form(text: object) -> str:
    """The same sentence with “Pixel size (mm)” for `pixel_mm`."""
    return _TOLD.sub(lambda found: f"“{TOLD[found[1]]}”", str(text))


def in_badge(text: object) -> str:
    """Foreign text for `st.badge`, which escapes brackets itself: twice would open them again."""
    return plain(text).replace("\\[", "[").replace("\\]", "]")


def paragraphs(text: str) -> str:
    """Foreign text of several lines for Markdown: each line as `plain` makes it, blank ones between paragraphs."""
    return "\n\n".join(plain(line) for line in text.splitlines() if line.strip())


def card(text: str) -> str:
    """A model's card of others for Markdown: its headings, points, tables and bold words as such; all else `plain`."""
    lines = (line.strip() for line in text.splitlines() if line.strip())
    blocks = groupby(lines, key=lambda line: line.startswith("|"))
    return "\n\n".join(
        "\n".join(map(_row, rows)) if is_table else "\n\n".join(map(_card_line, rows)) for is_table, rows in blocks
    )


def _card_line(line: str) -> str:
    marked = re.match(r"(#+|[-*]) +(.*)", line)
    if marked is None:
        return _emphasised(line)
    return f"{'-' if marked[1] in '-*' else '#' * min(4 + len(marked[1]), 6)} {_emphasised(marked[2])}"


def _row(line: str) -> str:
    cells = line.strip("|").split("|")
    return f"| {' | '.join('---' if re.fullmatch(r' *:?-+:? *', cell) else plain(cell) for cell in cells)} |"


def _emphasised(text: str) -> str:
    """`plain`, but with what stands between pairs of two stars in bold, and without the marks of code."""
    parts = _BOLD.split(text.replace("`", ""))  # every second one stood between stars
    return "".join(f"**{plain(part)}**" if k % 2 else _spaced(part) for k, part in enumerate(parts))


def _spaced(part: str) -> str:
    """`plain` with the blanks at the ends of a part of a line, which it takes off, as one each."""
    before, after = part[:1] == " ", part[-1:] == " " and part.strip(" ") != ""
    return f"{' ' * before}{plain(part)}{' ' * after}"


def counted(n: int, singular: str, plural: str | None = None) -> str:
    """'1 subject', '12 subjects'."""
    return f"{number(n)} {singular if n == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3 h 20 min'."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def example(spec: Mapping[str, Any]) -> str:
    """What one example is: '12 leads × 10 s at 100 Hz, mV' or '64 × 64 px slice, HU'."""
    shape, rate = spec["shape"], float(spec["rate"])
    if spec["modality"] == "ct":
        return f"{shape[1]} × {shape[2]} px slice at {rate:.3g} px/mm, {unit(spec['unit'])}"
    name = "lead" if spec["modality"] == "ecg" else "channel"
    seconds = f"{shape[1] / rate:.3g} s"
    return f"{counted(shape[0], name)} × {seconds} at {rate:.6g} Hz, {unit(spec['unit'])}"


def same_kind(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two specifications describe the same kind of example, so that real and synthetic can be compared."""
    fields = ("modality", "unit")
    lists = ("shape", "channels", "classes")
    agree = all(a[name] == b[name] for name in fields) and all(list(a[name]) == list(b[name]) for name in lists)
    return agree and abs(float(a["rate"]) - float(b["rate"])) <= 1e-3 * float(a["rate"])
