"""An evaluation as a job, and its report on the page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cache, jobs, words

if TYPE_CHECKING:
    from synth_core.metrics.report import Measure, Report

CLASSIFIER = "Trains a classifier on real and one on synthetic examples and tests both on the same held-out subjects."


def key(dataset: Path, model: Path) -> str:
    """The name of the evaluation of this pair."""
    return f"evaluate-{dataset.name}-{model.name}"


def start(dataset: Path, model: Path, n: int, with_classifier: bool) -> None:
    """Draw and measure in a thread of the server."""
    jobs.forget(key(dataset, model))
    train, holdout = (cache.parts(dataset)[part] for part in ("train", "test"))

    def work(progress: jobs.Progress) -> Report:
        from synth_core.metrics.evaluate import evaluate
        from synth_core.training import load_generator
        from synth_core.training.sampling import draw

        progress(0, 1, "drawing examples")
        synthetic = draw(load_generator(model), n, progress=progress)
        return evaluate(train, holdout, synthetic, classifier=with_classifier, progress=progress)

    jobs.start(key(dataset, model), "Evaluating", work)


def show(report: Report, name: str) -> None:
    """Verdicts in words, then the table, then the report as a file."""
    from synth_core.export import report_page

    for sentence in report.sentences:
        st.markdown(f"- {sentence}")
    st.dataframe([_row(measure) for measure in report.measures], hide_index=True, height="content")
    st.caption(
        "Floor: the same measure between real training and real held-out examples at the same n. "
        "Ratio: value over floor. Interval: 95 %, bootstrap over subjects."
    )
    page = partial(report_page, report)  # made on the click: it carries the figures
    st.download_button("Report (HTML)", page, f"{name}.html", "text/html", icon=":material/download:")


def _row(measure: Measure) -> dict[str, Any]:
    score = measure.score
    return {
        "measure": measure.name,
        "unit": words.unit(measure.unit),
        "part": measure.part,
        "value": words.short(score.value),
        "95 % interval": f"{words.short(score.low)} to {words.short(score.high)}",
        "floor": words.short(score.floor),
        "ratio": words.short(score.ratio),
        "verdict": measure.verdict,
        "n real": score.n_real,
        "n synthetic": score.n_synthetic,
    }
