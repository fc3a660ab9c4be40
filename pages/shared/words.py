"""How numbers, units and specifications are put into words on pages."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

MODALITY_TITLES = {"eeg": "EEG", "ecg": "ECG", "ct": "CT"}
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


def plain(text: str) -> str:
    """Text of users and files for Markdown: shown as it is, never as a link, an image or a formula."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$:~])", r"\\\1", text)


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
