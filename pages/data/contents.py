"""What an opened file or folder holds: a table, the balance of classes, what is damaged, a look at each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.data import whose
from pages.shared import cache, shell, state, viewers, words
from synth_core.errors import DataError

if TYPE_CHECKING:
    from synth_core.data import Recording

WHERE = "*What files do not say*, beside Open, takes what is asked for."
WHOSE = "*Who is who*, below, takes a pattern, and shows what it finds."
ROWS = 2000  # recordings listed; more are counted
PAGE_SECONDS = 10.0
PAGE_SLICES = 8
BASES = {
    "stated": "the file",
    "table": "a table",
    "layout": "the collection's layout",
    "pattern": "your pattern",
    "guess": "a guess",
}
SERIES = ("series", "kernel", "slice thickness (mm)")  # what tells the series of one study apart


def show(path: Path) -> list[Recording]:
    """Draw the contents of `path`; the recordings that are marked in the table, all where none is. None if unread."""
    try:
        found, skipped = cache.recordings(path, cache.stamp(path), state.current().told)
    except DataError as error:
        st.error(words.plain(shell.sentence(error)))
        if words.asks(error):
            st.caption(WHERE)
        return []
    recordings = list(found)
    st.subheader(words.plain(path.name or path), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(summary(recordings), width="content")
        if any(recording.source.simulated for recording in recordings):
            shell.simulated_badge()
        drawn = [recording.source.origin for recording in recordings if recording.source.synthetic]
        if drawn:
            shell.synthetic_badge(drawn[0])
    if skipped:
        with st.expander(f"{words.counted(len(skipped), 'file')} could not be read"):
            for left in skipped:
                st.markdown(f"- {words.plain(shell.sentence(left))}")
    _warn(recordings)
    whose.show(path, recordings)
    table, balance = st.columns([3, 2], gap="large")
    with table:
        rows = [_row(recording) for recording in recordings[:ROWS]]
        if not any(row["classes"] for row in rows):
            rows = [{name: value for name, value in row.items() if name != "classes"} for row in rows]
        marked = st.dataframe(
            rows,
            hide_index=True,
            height=_height(rows),
            on_select="rerun",
            selection_mode="multi-row",
            key=f"contents-{path}",
            column_config={"record": st.column_config.TextColumn(width="medium")},  # a long one hides no other column
        ).selection.rows
        if len(recordings) > ROWS:
            st.caption(f"The first {words.number(ROWS)} of {words.number(len(recordings))} are listed.")
        elif len(recordings) > 1:
            st.caption(f"Mark rows to prepare only these; {len(marked) or 'all'} chosen.")
    with balance:
        _balance(recordings)
    chosen = [recordings[row] for row in marked if row < len(recordings)] or recordings
    _look(path, chosen)
    return chosen


def _warn(recordings: list[Recording]) -> None:
    """What whoever prepares these should know first; above all, that who is who was guessed."""
    from synth_core.data.identity import distinct_warnings

    sentences = distinct_warnings(recordings)
    if sentences:
        listed = "\n".join(f"- {words.plain(words.as_in_form(sentence))}" for sentence in sentences)
        ways = [WHOSE] if any("pattern" in sentence for sentence in sentences) else []
        ways += [WHERE] if any(map(words.asks, sentences)) else []
        st.warning("\n\n".join([listed, *ways]))


def looked_at(path: Path) -> int:
    """Position, among the chosen recordings, of the one that is shown."""
    return int(st.session_state.get(_look_key(path)) or 0)


def _look_key(path: Path) -> str:
    return f"look-{path}"


def _height(rows: list[dict[str, Any]]) -> int:
    """CSS pixels of a table with its header, at most some eight rows."""
    return min(300, 35 * (len(rows) + 1) + 3)


def summary(recordings: list[Recording]) -> str:
    """'12 recordings from 10 subjects, 34 min in all; 12 leads at 500 Hz, mV; PTB-XL, CC BY 4.0'."""
    first = recordings[0]
    total = sum(recording.duration for recording in recordings)
    amount = words.counted(int(total), "slice") if first.spec.is_image else words.duration(total)
    subjects = len({recording.subject for recording in recordings})
    kinds = Counter(_kind(recording) for recording in recordings)
    kind, n = kinds.most_common(1)[0]
    unlike, how = len(recordings) - n, "size" if first.spec.is_image else "channels or rate"
    others = f" ({words.counted(unlike, 'has', 'have')} another {how})" if unlike else ""
    credit = words.plain(f"{first.source.name}, licence: {first.source.licence}")
    return (
        f"{words.counted(len(recordings), 'recording')} from {words.counted(subjects, 'subject')}, {amount} in all "
        f"· {kind}{others} · {credit}"
    )


def _kind(recording: Recording) -> str:
    spec = recording.spec
    modality, unit = words.MODALITY_TITLES[spec.modality], words.unit(spec.unit)
    if spec.is_image:
        return f"{modality}, {spec.shape[2]} × {spec.shape[1]} px at {1 / spec.rate:.3g} mm, {unit}"
    return f"{modality}, {words.counted(spec.shape[0], 'channel')} at {spec.rate:.6g} Hz, {unit}"


def _row(recording: Recording) -> dict[str, Any]:
    spec = recording.spec
    if spec.is_image:
        said = [str(recording.metadata[key]) for key in SERIES if recording.metadata.get(key)]
        extent = {"slices": recording.slices, "pixel (mm)": round(1 / spec.rate, 3), "series": ", ".join(said)}
    else:
        extent = {
            "duration (s)": round(recording.duration, 2),
            "rate (Hz)": round(spec.rate, 3),
            "channels": spec.shape[0],
        }
    who = {"subject": recording.subject, "subject from": BASES[recording.basis]}
    return {"record": recording.record, "classes": _classes(recording), **who, **extent}


def _classes(recording: Recording) -> str:
    return ", ".join(name for name, value in recording.labels.items() if value)


def _balance(recordings: list[Recording]) -> None:
    """Bars per class, counted in recordings, so that an imbalance is seen before training."""
    from synth_core.figures import class_balance

    counts = {name: sum(bool(recording.labels.get(name)) for recording in recordings) for name in recordings[0].labels}
    if not counts:
        marked = any(recording.annotations for recording in recordings)
        more = " What they mark can give classes: see Windows, below." if marked else ""
        st.caption(f"The files name no classes; everything will be one group.{more}")
        return
    figure = class_balance(counts).update_layout(margin_r=48, xaxis_title="Recordings")
    st.plotly_chart(figure, key="balance", height=300)
    if without := sum(not any(recording.labels.values()) for recording in recordings):
        st.caption(f"{words.counted(without, 'recording has', 'recordings have')} none of these classes.")


def _look(path: Path, recordings: list[Recording]) -> None:
    """One page of one recording in the viewer; only that page is read."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = st.selectbox(
            "Recording", range(len(recordings)), format_func=lambda k: recordings[k].record, key=_look_key(path)
        )
        recording = recordings[index]
        spec = recording.spec
        size = PAGE_SLICES if spec.is_image else max(1, round(PAGE_SECONDS * spec.rate))
        length = recording.slices if spec.is_image else spec.shape[1]
        pages = -(-length // size)
        what = f"{PAGE_SLICES} slices" if spec.is_image else f"{PAGE_SECONDS:.0f} s"
        page = st.number_input(f"Page of {what} (1 to {pages})", 1, pages, key=f"look-page-{path}-{index}", width=220)
    _said(recording)
    start = (int(page) - 1) * size
    values = recording.read(start, min(start + size, length))
    if spec.is_image:
        names = tuple(f"{start + k + 1} of {length} in all" if pages > 1 else "" for k in range(len(values)))
        viewers.slices([viewers.Stack(values, spec.rate, recording.record, captions=names)], key="look-slices")
        return
    names = spec.channels or tuple(str(k + 1) for k in range(spec.shape[0]))
    trace = viewers.Trace(values, spec.rate, spec.unit, names, f"{recording.record} from {start / spec.rate:.0f} s")
    viewers.waveforms([trace], modality=spec.modality, key="look-waveforms")


def _said(recording: Recording) -> None:
    """What the file says beside its samples; what it warns of stands in sight."""
    rows = [
        {"what": name, "said": _plain(value)}
        for name, value in recording.metadata.items()
        if value not in (None, "", [], {})
    ]
    if rows:
        with st.expander("What the file says"):
            st.dataframe(rows, hide_index=True)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
