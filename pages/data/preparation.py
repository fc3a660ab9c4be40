"""From recordings to a dataset: the settings, one example before and after, and the work with its progress."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.data import marks, uploads
from pages.data.contents import looked_at
from pages.data.library import left_out
from pages.shared import cache, jobs, panels, shell, state, viewers, words
from synth_core.data.placement import Placement
from synth_core.settings import idle_fields

if TYPE_CHECKING:
    from synth_core.data import Dataset, Preparation, Recording
    from synth_core.types import Batch

SHOWN = {
    "ct": ("image_size", "field_mm", "lesions"),
    "eeg": ("rate", "seconds", "stride_seconds", "highpass", "lowpass", "notch"),
    "ecg": ("rate", "seconds", "stride_seconds", "highpass", "lowpass", "notch"),
}
_OF, _TAKEN = "prepare-of", "prepare-taken"
SLIDING = ("seconds", "stride_seconds")  # which mean nothing where windows lie around events


def show(path: Path, recordings: list[Recording]) -> None:
    """The form, the preview and the button; while a preparation runs, its progress."""
    from synth_core.data import Preparation

    st.subheader("Prepare", anchor=False)
    spec = recordings[0].spec
    same = "size and field of view" if spec.is_image else "length, rate and channels"
    st.caption(
        f"Every example gets the same {same}. Later, training and testing are split by subject: "
        "nobody is on both sides, because a generator tested on people it has seen looks better than it is."
    )
    placed = marks.choose(path, recordings)
    if placed is None:
        return
    hidden = {*idle_fields(Preparation, spec.modality), *Placement.model_fields}
    shown = [name for name in SHOWN[spec.modality] if not (placed.get("around") and name in SLIDING)]
    settings = panels.form_for(
        Preparation,
        Preparation.suggested(recordings).model_dump() | placed,
        key=f"prepare-{spec.modality}-{placed.get('seconds', '')}",
        shown=shown,
        hidden=[*hidden, *(SLIDING if placed.get("around") else ())],
        choices={} if spec.is_image else {"channels": spec.channels},
    )
    if settings is None:
        return
    _preview(recordings[looked_at(path)], settings)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name of the dataset", path.name.split(".")[0], key=f"name-{path.name}", width=360)
        if st.button("Prepare", type="primary", icon=":material/play_arrow:", key="prepare-start"):
            _start(name, path, recordings, settings)
    _progress(path)


def _start(name: str, path: Path, recordings: list[Recording], settings: Preparation) -> None:
    from synth_core.data.guarded import prepare_guarded

    out = cache.workspace().new_path("datasets", name)

    def work(progress: jobs.Progress) -> Path:
        return prepare_guarded(recordings, out, settings, name=name, source=path, progress=progress)

    st.session_state[_OF] = path
    jobs.start(_job(), f"Preparing {out.name}", work)


def _progress(path: Path) -> None:
    """Of the preparation that runs; what came of one stands below the recordings that it was of."""
    job = jobs.get(_job())
    if job is None:
        return
    if not job.ended:
        jobs.watch(_job())
    elif st.session_state.get(_OF) != path:
        return
    elif job.problem:
        st.error(words.plain(job.problem))
    else:
        if st.session_state.get(_TAKEN) != job.result:  # once: another may be chosen since
            st.session_state[_TAKEN] = state.current().dataset = job.result
        lost = words.plain(left_out(job.result))
        st.success(f"{words.plain(job.result.name)} is ready: {panels.dataset_line(job.result)}. {lost}")
        st.page_link(shell.script("train"), label="Train a generator on it", icon=":material/arrow_forward:")
        _offer_removal()


def _offer_removal() -> None:
    """What was uploaded holds names and dates that the dataset does not: it need not stay."""
    source = state.current().source
    if source is None or not uploads.is_upload(cache.workspace(), source):
        return
    st.caption("The uploaded files are still on this machine, as they were sent. The dataset does not need them.")
    if st.button("Remove the uploaded files", icon=":material/delete:", key="upload-remove"):
        uploads.remove(cache.workspace(), source)
        state.current().source = None
        st.rerun()


def _job() -> str:
    """One preparation per browser session at a time."""
    return st.session_state.setdefault("prepare-job", f"prepare-{id(st.session_state)}")


def _preview(recording: Recording, settings: Preparation) -> None:
    """The first example of the recording that is looked at, beside the same stretch as it was."""
    if not st.toggle("Show one example before and after", key="prepare-preview"):
        return
    after, start = _first_example(recording, settings)
    spec = recording.spec
    if spec.is_image:
        before = recording.read(int(start), int(start) + 1)
        stacks = (
            viewers.Stack(before, spec.rate, "before"),
            viewers.Stack(after.values[0].numpy(), after.spec.rate, "after"),
        )
        viewers.slices(stacks, key="prepare-before-after", linked=False, height=420)
        return
    first = round(start * spec.rate)
    values = recording.read(first, min(first + round(after.spec.seconds * spec.rate), spec.shape[1]))
    names = spec.channels or tuple(str(k + 1) for k in range(spec.shape[0]))
    before_trace = viewers.Trace(values, spec.rate, spec.unit, names, f"before, {spec.rate:.6g} Hz")
    after_names = after.spec.channels or names
    after_trace = viewers.Trace(
        after.values[0].numpy(), after.spec.rate, spec.unit, after_names, f"after, {after.spec.rate:.6g} Hz"
    )
    viewers.waveforms((before_trace, after_trace), modality=spec.modality, key="prepare-before-after", height=420)


def _first_example(recording: Recording, settings: Preparation) -> tuple[Batch, float]:
    """Prepare this recording alone in a temporary folder: its first example, and where that starts."""
    from synth_core.data import prepare
    from synth_core.data.marks import present

    folder = Path(tempfile.mkdtemp(prefix="preview-"))
    try:
        made: Dataset = prepare([recording], folder / "dataset", present(settings, [recording]))
        return made.batch([0]), float(made.table["start"].iloc[0])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
