"""Failures first: drawings of the least realistic examples and the closest copies; one of them in the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import examples, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synth_core.metrics.report import Finding, Report
    from synth_core.types import Batch, DataSpec

ACROSS = {"ecg": 2, "eeg": 3, "ct": 6}  # drawings in a row


def show(report: Report) -> None:
    """Drawings with number and score; the one that is picked opens in the viewer, a copy beside its original."""
    found = report.evidence.findings
    if not found:
        return
    st.subheader("Look at these first", anchor=False)
    least = [finding for finding in found if finding.kind == "least realistic"]
    copies = [finding for finding in found if finding.kind == "closest copy"]
    if least:
        st.markdown("**Least realistic synthetic examples**")
        _drawings(report, least)
    if copies:
        st.markdown("**Closest copies**, each beside the training example that it resembles")
        _drawings(report, copies)
    _viewer(report, found)


def _drawings(report: Report, found: Sequence[Finding]) -> None:
    from synth_core.export.report_parts import caption, shared_span
    from synth_core.figures import drawing

    spec, span, dark = report.evidence.spec, shared_span(report.evidence), st.context.theme.type == "dark"
    panels: list[tuple[NDArray, str]] = []
    for finding in found:
        panels.append((finding.values, caption(finding)))
        if finding.original_values is not None:
            panels.append((finding.original_values, f"Training no. {finding.original}"))
    across = ACROSS[spec.modality] + ACROSS[spec.modality] % 2 if found[0].original_values is not None else 0
    across = across or ACROSS[spec.modality]
    for begin in range(0, len(panels), across):
        for column, (values, said) in zip(st.columns(across), panels[begin : begin + across], strict=False):
            column.image(drawing(values, spec, span=span, dark=dark), caption=words.plain(said), width="stretch")


def _viewer(report: Report, found: Sequence[Finding]) -> None:
    from synth_core.export.report_parts import caption

    spec = report.evidence.spec
    with st.expander("Look closely, with calipers" if spec.modality == "ecg" else "Look closely"):
        names = [caption(finding) for finding in found]
        picked = st.selectbox(
            "Example", names, key="evaluate-finding", width=420
        )  # findings hold arrays: not comparable
        chosen = found[names.index(picked)]
        sides = [examples.Side(_one(chosen.values, spec), caption(chosen), "synthetic")]
        if chosen.original_values is not None:
            sides.append(examples.Side(_one(chosen.original_values, spec), f"Training no. {chosen.original}", "real"))
        examples.show(sides, key="evaluate-closely", height=440)


def _one(values: NDArray, spec: DataSpec) -> Batch:
    import torch

    from synth_core.types import Batch

    return Batch(torch.from_numpy(values[None]), spec)
