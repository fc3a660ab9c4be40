"""Where windows lie and what gives their classes: sliding, around events, or under spans, with what the files mark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from pages.shared import cache, words
from synth_core.data.placement import BEATS, Placement

if TYPE_CHECKING:
    from synth_core.data import Recording
    from synth_core.data.marks import MarkText

WHY = {name: field.description for name, field in Placement.model_fields.items()}
EPOCH = 60.0  # s: spans of one length up to this are epochs that were scored, and so the windows
LONGEST = 10.0  # s after an event that are suggested
SLIDE, AROUND, COVERED = "Slide over the recordings", "Lie around events", "Take the class of a span"


def choose(path: Path, recordings: Sequence[Recording]) -> dict[str, Any] | None:
    """The settings of `Placement` that differ from sliding windows; nothing is asked of CT, or where nothing is
    marked and no beats can be found. None while marks are wanted and none is chosen."""
    spec = recordings[0].spec
    if spec.is_image:
        return {}
    there = cache.marks(path, cache.stamp(path), recordings)
    lasting = [one for one in there if one.longest > 0]
    ways = [SLIDE, *([AROUND] if there or spec.modality == "ecg" else []), *([COVERED] if lasting else [])]
    if len(ways) == 1:
        return {}
    way = st.segmented_control("Windows", ways, default=SLIDE, required=True, key=f"marks-way-{path}")
    if way == AROUND:
        return _around(path, there, is_ecg=spec.modality == "ecg")
    return _covered(path, lasting) if way == COVERED else {}


def _around(path: Path, there: Sequence[MarkText], *, is_ecg: bool) -> dict[str, Any] | None:
    """Events, the stretch around them, and their classes."""
    beats = [BEATS] if is_ecg else []
    texts = {one.text: one for one in there if not one.beats}
    chosen = st.multiselect(
        "Events",
        [*beats, *texts],
        beats,
        key=f"marks-around-{path}",
        format_func=lambda text: f"{text} · {texts[text].described}" if text in texts else "all heartbeats",
        help=WHY["around"],
    )
    if not chosen:
        st.info("Choose at least one event; then the windows around it can be prepared.")
        return None
    settings: dict[str, Any] = {"around": tuple(chosen)}
    lasting = [texts[text].shortest for text in chosen if text in texts and texts[text].shortest > 0]
    start, stop = (0.0, min(*lasting, LONGEST)) if lasting else (0.25, 0.45)  # an event that lasts, else a beat
    first, second, third = st.columns(3)
    key = f"{start:g}-{stop:g}"
    before = first.number_input(
        "Before the event (s)", 0.0, 3600.0, start, key=f"marks-before-{key}", help=WHY["before_seconds"]
    )
    after = second.number_input(
        "After the event (s)", 0.01, 3600.0, stop, key=f"marks-after-{key}", help=WHY["after_seconds"]
    )
    settings |= {"before_seconds": before, "after_seconds": after}
    with third:
        known = chosen != [BEATS] or any(one.beats for one in there)  # beats that are detected have no class
        classes = st.checkbox(
            "Events are the classes",
            known,
            key=f"marks-classes-{known}",
            disabled=not known,
            help=WHY["labels_from_events"],
        )
        if chosen == [BEATS]:
            aami = st.checkbox("AAMI beat classes", False, key="marks-aami", disabled=not known, help=WHY["aami"])
            return settings | {"labels_from_events": classes, "aami": aami}
        drop = st.checkbox("Leave out what overlaps", False, key="marks-drop", help=WHY["drop_overlapping"])
    settings |= {"labels_from_events": classes, "drop_overlapping": drop}
    names = _names(path, [texts[text] for text in chosen if text in texts], "event") if classes else {}
    return settings | {"event_classes": names}


def _covered(path: Path, lasting: Sequence[MarkText]) -> dict[str, Any] | None:
    """Spans, how much of a window they must cover, and their classes."""
    texts = {one.text: one for one in lasting}
    chosen = st.multiselect(
        "Spans",
        list(texts),
        list(texts),
        key=f"marks-spans-{path}",
        format_func=lambda text: f"{text} · {texts[text].described}",
        help=WHY["spans"],
    )
    if not chosen:
        st.info("Choose at least one span; then the windows in it can be prepared.")
        return None
    left, right = st.columns(2)
    share = left.number_input("Least covered share", 0.51, 1.0, 1.0, 0.05, key="marks-share", help=WHY["span_share"])
    outside = right.text_input(
        "Class outside spans", key="marks-outside", placeholder="left out", help=WHY["outside_spans"]
    ).strip()
    names = _names(path, [texts[text] for text in chosen], "span")
    settings = {"spans": tuple(chosen), "span_share": share, "outside_spans": outside or None, "event_classes": names}
    lengths = {round(seconds, 3) for text in chosen for seconds in (texts[text].shortest, texts[text].longest)}
    return settings | ({"seconds": min(lengths)} if len(lengths) == 1 and min(lengths) <= EPOCH else {})


def _names(path: Path, chosen: Sequence[MarkText], what: str) -> dict[str, str]:
    """An editable table of the class that each text gives; only those that differ from the text."""
    texts = [one.text for one in chosen]
    table = pd.DataFrame(
        {
            what: texts,
            "class": texts,
            "marks": [one.count for one in chosen],
            "recordings": [one.recordings for one in chosen],
            "in all": [words.duration(one.seconds) if one.seconds else "moments" for one in chosen],
        }
    )
    edited = st.data_editor(
        table,
        hide_index=True,
        disabled=[name for name in table.columns if name != "class"],
        key=f"marks-names-{what}-{path}-{'|'.join(texts)}",
        height=min(300, 35 * (len(texts) + 1) + 3),
    )
    st.caption("Write a class in the place of a text; texts of one class are joined.")
    given = {text: str(name or "").strip() for text, name in zip(texts, edited["class"], strict=True)}
    return {text: name for text, name in given.items() if name and name != text}
