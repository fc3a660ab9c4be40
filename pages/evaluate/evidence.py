"""What an answer rests on: ratios to the floor, every number, and the same for each class and channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import words

if TYPE_CHECKING:
    from synth_core.metrics.measure import Measure
    from synth_core.metrics.report import Report

ALL = "all"
KINDS = {"far": "far from real", "near": "near real", "as real": "as real"}
FLOOR = (
    "Dot and bar: value and 95 % interval over subjects, as multiples of the floor: what real training examples "
    "reach in place of the synthetic ones. Limit: what honest examples keep to on all measures, but for one set in 50. "
    "Under the pointer: what a measure means and which planted faults move it."
)


def of_question(report: Report, question: str) -> None:
    """An expander with the chart and the table of one question; nothing where nothing was measured."""
    from synth_core.figures import ratio_chart

    own = [measure for measure in report.measures if measure.question == question and measure.split == "all"]
    if not own:
        return
    verdicts = [measure.verdict for measure in own]
    counts = ", ".join(f"{verdicts.count(kind)} {title}" for kind, title in KINDS.items() if kind in verdicts)
    with st.expander(f"Evidence: {words.counted(len(own), 'measure')}; {counts}" if counts else "Evidence"):
        st.plotly_chart(ratio_chart(own, report.settings["modality"]), key=f"evaluate-ratios-{question}")
        st.caption(FLOOR)
        table(own)


def parts(report: Report) -> None:
    """Spectra and numbers of a class and a channel that can be chosen, and maps of all of them."""
    st.subheader("Classes and channels", anchor=False)
    class_name, channel = _spectrum(report)
    chosen = {name for name in (class_name, channel) if name is not None}
    own = [measure for measure in report.measures if measure.split != "all" and measure.part in chosen]
    if own:
        table(own)
    _maps(report)


def table(measures: Sequence[Measure]) -> None:
    """Every number of some measures, with its unit and n."""
    rows = [_row(measure) for measure in measures]
    if all(measure.split == "all" for measure in measures):
        rows = [{key: value for key, value in row.items() if key != "part"} for row in rows]
    st.dataframe(rows, hide_index=True, height="content")


def _spectrum(report: Report) -> tuple[str | None, str | None]:
    from synth_core.figures import part_spectrum, value_distribution
    from synth_core.figures.report import drawable_classes

    spec, classes = report.evidence.spec, drawable_classes(report.evidence)
    channels = spec.channels if len(spec.channels) > 1 else ()
    with st.container(horizontal=True):
        class_name = st.selectbox("Class", (ALL, *classes), key="evaluate-class") if classes else ALL
        channel = st.selectbox("Channel", (ALL, *channels), key="evaluate-channel") if channels else ALL
    wanted = class_name if class_name in classes else None
    picked = channel if channel in channels else None
    figure = part_spectrum(report.evidence, class_name=wanted, channel=picked)
    st.plotly_chart(figure, key="evaluate-spectrum", height=340)
    st.caption("Held-out real and synthetic. Line: median over examples; band: 10 to 90 % of them.")
    with st.expander("Distribution of all values"):
        st.plotly_chart(value_distribution(report.evidence), key="evaluate-values", height=300)
    return wanted, picked


def _maps(report: Report) -> None:
    from synth_core.figures import ratio_map

    splits = {"By class": "class", "By channel": "channel"}
    by_split = {title: [m for m in report.measures if m.split == split] for title, split in splits.items()}
    measured = {title: own for title, own in by_split.items() if len({m.part for m in own}) > 1}
    if not measured:
        st.caption("No measure was taken by class or channel: that needs at least 20 examples of a class on each side.")
        return
    title = next(iter(measured))
    if len(measured) > 1:
        title = st.segmented_control("Map", list(measured), default=title, required=True, key="evaluate-map")
    st.plotly_chart(ratio_map(measured[title], report.settings["modality"]), key="evaluate-heat")
    st.caption("Times worse than the floor; 1× is as real as other real people.")


def _row(measure: Measure) -> dict[str, Any]:
    score = measure.score
    return {
        "measure": measure.name,
        "part": measure.part,
        "verdict": measure.verdict,
        "value": words.short(score.value),
        "95 % interval": f"{words.short(score.low)} to {words.short(score.high)}",
        "floor": words.short(score.floor),
        "limit": words.short(score.limit),
        "unit": words.unit(measure.unit),
        "ratio": words.short(score.ratio),
        "n real": score.n_real,
        "n synthetic": score.n_synthetic,
        "meaning": measure.meaning,
    }
