"""An evaluation as a job of the server, kept in the workspace when it ends well."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from pages.evaluate.sides import Comparison
from pages.evaluate.synthetic import in_words
from pages.shared import cache, jobs, words
from synth_core.export import About

KEY = "evaluate"
CHOSEN = "evaluate-shown"


def controls(comparison: Comparison) -> None:
    """What is compared, then the button, or why there is none."""
    refusal = comparison.refusal()
    if refusal:
        st.warning(words.plain(refusal), icon=":material/block:")
        return
    running = is_running()
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Evaluate", type="primary", icon=":material/play_arrow:", key="evaluate-start", disabled=running):
            start(comparison)
            st.rerun()
        st.markdown(words.plain(comparison.sentence), width="stretch")
    if comparison.made.note:
        st.caption(f":material/warning: {words.plain(comparison.made.note)}")


def is_running() -> bool:
    """Whether an evaluation of this server is at work; there is one at a time."""
    job = jobs.get(KEY)
    return job is not None and not job.ended


def start(comparison: Comparison) -> None:
    """Draw, measure and keep in a thread of the server."""
    jobs.forget(KEY)
    workspace = cache.workspace()
    about = describe(comparison)

    def work(progress: jobs.Progress) -> Path:
        from synth_core.export import save_evaluation
        from synth_core.metrics.evaluate import evaluate

        report = evaluate(
            comparison.train,
            comparison.holdout,
            comparison.made.load(progress),
            seed=comparison.seed,
            classifier=comparison.classifier,
            allow_synthetic=comparison.allow_synthetic,
            progress=progress,
        )
        return save_evaluation(report, about, workspace.new_path("evaluations", about.name))

    jobs.start(KEY, f"Evaluating {comparison.made.title}", work)


def follow() -> None:
    """Progress while it runs; then the new report is chosen, or the problem said. Reports made before stay."""
    job = jobs.get(KEY)
    if job is None:
        return
    if not job.ended:
        jobs.watch(KEY)
    elif job.problem:
        st.error(words.plain(job.problem))
    else:
        st.session_state[CHOSEN] = job.result
        jobs.forget(KEY)


def describe(comparison: Comparison) -> About:
    """The names of all sides, for the report."""
    info = cache.dataset_info(comparison.dataset)
    origin = info.get("source", {})
    credit = [str(origin[field]) for field in ("name", "licence", "citation") if origin.get(field)]
    notes = ["The real side is simulated: these are no patients."] if origin.get("simulated") else []
    if comparison.train.synthetic or comparison.holdout.synthetic:
        notes.append("A real side holds synthetic examples: this says nothing about realism.")
    notes += [comparison.made.note] if comparison.made.note else []
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return About(
        name=f"{comparison.dataset.name}-{stamp}",
        dataset=comparison.dataset.name,
        train=comparison.train_title,
        holdout=comparison.holdout_title,
        synthetic=f"{comparison.made.n} examples of {comparison.made.title}",
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        commands=_commands(comparison),
        sources=(". ".join(credit),) if credit else (),
        notes=tuple(notes),
    )


def _commands(comparison: Comparison) -> tuple[str, ...]:
    """Lines for a shell in the folder that holds the workspace; none where the command line has no word for a part."""
    if not comparison.own_parts:
        return ()
    data, made = in_words(comparison.dataset), comparison.made
    measured = (
        f"python -m synth_core evaluate --train {data} --holdout {data} --synthetic {made.argument} "
        f"--seed {comparison.seed} {'--classifier' if comparison.classifier else '--no-classifier'}"
        f"{' --allow-synthetic' if comparison.allow_synthetic else ''} --out report.html"
    )
    return (made.command, measured) if made.command else (measured,)
