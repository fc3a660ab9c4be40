"""The form of a new study, and the work of making one: real examples, synthetic ones of the same classes, items."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from pydantic import ValidationError

from pages.shared import cache, forms, jobs, panels, studies, words
from synth_core.errors import BlindingError
from synth_core.study.protocol import INSTRUCTIONS, StudyProtocol

if TYPE_CHECKING:
    from synth_core.study.store import Store

JOB = "study"
SIMULATED = (
    "This dataset is simulated: what raters would be told was recorded from people is of no patient. Good for trying a "
    "study out, not for its results."
)


def show() -> None:
    """Choose what is rated and how, then make the study."""
    job = jobs.get(JOB)
    if job is not None and not job.ended:
        jobs.watch(JOB)
        return
    if job is not None:
        jobs.forget(JOB)
        if job.problem:
            st.error(words.plain(job.problem))
        elif isinstance(job.result, BlindingError):
            st.session_state["study-leaks"] = job.result
        else:
            st.session_state.pop("study-leaks", None)
            st.session_state["study-made"] = job.result
            st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = panels.choose_dataset()
        model = None if dataset is None else panels.choose_model(cache.dataset_info(dataset)["spec"])
    if dataset is None or model is None:
        return
    test = cache.parts(dataset)["test"]
    st.caption(
        f"Real items come from the test part of the dataset: {words.counted(len(test), 'example')} of subjects that "
        "training leaves out."
    )
    if cache.dataset_info(dataset).get("source", {}).get("simulated"):
        st.caption(SIMULATED)
    protocol = _protocol(f"{dataset.name} against the generator {model.name}", len(test))
    despite = _despite()
    if protocol is None or not st.button("Make the study", type="primary"):
        return
    store = studies.store()
    jobs.start(JOB, "Making the study", lambda progress: _make(store, protocol, dataset, model, despite, progress))
    st.rerun()


def _despite() -> str:
    """Why to go on although the audit of the last try found a leak; "" where it found none."""
    leaks = st.session_state.get("study-leaks")
    if leaks is None:
        return ""
    st.error(words.plain(leaks))
    return st.text_input("Reason to go on nevertheless", max_chars=400, help="Kept in the log of the study.")


def _protocol(title: str, available: int) -> StudyProtocol | None:
    with st.container(border=True):
        left, right = st.columns(2, gap="large")
        with left:
            title = st.text_input("Title", title, max_chars=120, help="For you; raters do not see it.")
            told = st.text_area(
                "What raters are told",
                INSTRUCTIONS,
                height=160,
                help="A recorded part of the study: clues move accuracy.",
            )
        with right:
            first, second = st.columns(2)
            most = max(2, min(500, available - 2))
            per_side = first.number_input("Real items", 2, most, min(30, most), help="As many synthetic ones are made.")
            practice = second.number_input(
                "Practice items", 0, 20, 4, 2, help="Shown first, with feedback; half of each kind; not counted."
            )
            repeats = first.number_input(
                "Shown twice (%)", 0, 30, 10, help="Hidden repeats show how far a rater agrees with themselves."
            )
            steps = second.selectbox(
                "Steps of the answer", (6, 4), help="From certainly real to certainly synthetic, none neutral."
            )
    try:
        return StudyProtocol.model_validate(
            {
                "title": title,
                "per_side": per_side,
                "practice": practice,
                "repeats": repeats / 100,
                "steps": steps,
                "instructions": told,
            }
        )
    except ValidationError as error:
        st.error(words.plain(forms.refusal(error)))
        return None


def _make(
    store: Store, protocol: StudyProtocol, dataset: Path, model: Path, despite: str, progress: jobs.Progress
) -> str | BlindingError:
    """The id of the new study, or what the audit of its blinding found."""
    from synth_core.study.design import create_study
    from synth_core.study.selection import select_real
    from synth_core.training import sampling

    seed = secrets.randbits(63)  # of the choice of items: nobody can make it again and know them
    real = select_real(cache.parts(dataset)["test"], protocol.items_per_side, seed=seed)
    generator = cache.generator(model)
    labels = real.condition.labels if "labels" in generator.accepted else None
    synthetic = sampling.draw(generator, len(real), labels=labels, seed=seed, batch_size=8, progress=progress)
    plan = {"real": {"dataset": str(dataset)}, "synthetic": [{"model": str(model)}]}
    try:
        return create_study(
            store, protocol, real, synthetic, source=model.name, now=studies.now(), plan=plan, despite=despite
        )
    except BlindingError as error:
        return error
