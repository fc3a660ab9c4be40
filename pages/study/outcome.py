"""Closing a study, and what comes out: accuracy with its interval, each rater, ROC."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shared import studies, words
from synth_core.errors import StudyError
from synth_core.figures.study import IntervalRow, accuracy_intervals, roc
from synth_core.study import results
from synth_core.study.results import Estimate, Result, StudyResults
from synth_core.study.store import StudyRecord
from synth_core.study.verification import Verification

MOST_CURVES = 4  # raters whose ROC is drawn beside that of all


def close(study: StudyRecord) -> None:
    """The owner's explicit step: no more answers, then the truth."""
    with st.popover("Close and unblind", icon=":material/lock_open:"):
        st.write("The study takes no more answers after this, and cannot be opened again.")
        reason = st.text_input(
            "Reason", placeholder="for example: all invited raters have finished", key="study-reason"
        )
        if st.button("Close and unblind now", type="primary", key="study-close"):
            results.unblind(studies.store(), study.id, reason, studies.now())
            st.rerun()


def amend(study: StudyRecord) -> None:
    """What is done otherwise than the locked protocol has it: kept with its reason, beside a protocol that stays."""
    with st.popover("Amend the protocol", icon=":material/edit_note:"):
        st.write(
            "The protocol stays as it was locked. What you say here is kept, dated, and reported with the results."
        )
        reason = st.text_area("What is done otherwise, and why", max_chars=2000, key="study-amendment")
        if st.button("Keep the amendment", key="study-amend"):
            results.amend(studies.store(), study.id, reason, studies.now())
            st.rerun()


def history(study: StudyRecord) -> None:
    """What the owner did to a study after the lock, and why."""
    titles = {"unblinded": "Closed and unblinded", "amended": "Amended"}
    for at, kind, reason in results.events(studies.store(), study.id):
        if kind in titles:
            st.caption(f"{words.plain(titles[kind])} {at:%Y-%m-%d %H:%M} UTC: {words.plain(reason)}")


def show(study: StudyRecord) -> None:
    """Results of a closed study."""
    try:
        found = results.results(studies.store(), study.id)
    except StudyError as error:
        st.info(words.plain(error), icon=":material/info:")
        return
    _seal(found.verification)
    _headline(found)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _forest(found)
    with right:
        _roc(found)
    _table(found)


def _seal(found: Verification) -> None:
    if found.intact:
        trusted = (
            "" if found.adopted_at is None else f" What came before {found.adopted_at:%Y-%m-%d} is taken on trust."
        )
        st.caption(
            "The seal is intact: protocol, items and key are those locked before the first answer, and every answer, "
            f"order and event is as the log of {found.entries:d} entries has it.{trusted}"
        )
        return
    st.error("The seal is broken: something was changed behind this program. Do not trust these results.")
    for problem in found.problems:
        st.write(words.plain(problem))


def _headline(found: StudyResults) -> None:
    overall = found.overall
    named = (
        ("Accuracy", overall.accuracy),
        ("Synthetic called synthetic", overall.sensitivity),
        ("Real called real", overall.specificity),
    )
    with st.container(horizontal=True, gap="large"):
        for name, interval in named:
            with st.container(width="content", gap=None):
                st.metric(name, "–" if interval is None else f"{100 * interval.value:.1f} %")
                if interval is not None:
                    st.caption(f"95 % interval {100 * interval.low:.1f} to {100 * interval.high:.1f} %")
    answers, raters = words.counted(overall.n, "answer"), words.counted(len(_active(found)), "rater")
    st.caption(f"{answers} of {raters}; 50 % is guessing. {words.plain(found.note)}")


def _active(found: StudyResults) -> list[Result]:
    return [one for one in found.raters if one.n]


def _forest(found: StudyResults) -> None:
    rows = [
        IntervalRow(one.name, *one.accuracy, one.n)
        for one in (*found.raters, found.overall)
        if one.accuracy is not None
    ]
    st.plotly_chart(accuracy_intervals(rows), key="study-accuracy", height=min(720, 150 + 34 * len(rows)))


def _roc(found: StudyResults) -> None:
    answers = found.answers[~found.answers["practice"] & ~found.answers["repeat"]]
    groups = [(one.name, answers[answers["rater"] == one.name]) for one in _active(found)[:MOST_CURVES]]
    groups = [("All ratings pooled", answers), *groups] if len(groups) > 1 else groups
    curves = {name: (own["synthetic"], own["value"]) for name, own in groups if own["synthetic"].nunique() == 2}
    if curves:
        st.plotly_chart(roc(curves), key="study-roc", height=420)


def _table(found: StudyResults) -> None:
    st.dataframe(pd.DataFrame([_row(one) for one in (*found.raters, found.overall)]), hide_index=True)
    st.caption(
        "Intervals at 95 %. One rater: Clopper–Pearson, Wilson for sensitivity and specificity, DeLong on the logit "
        "scale for AUROC. All raters: raters and items random, from mean squares for shares and by Obuchowski and "
        "Rockette for the mean AUROC. d′ and criterion are log-linear, per rater only; synthetic is the signal."
    )


def _row(one: Result) -> dict[str, object]:
    return {
        "Rater": one.name,
        "Specialty": one.specialty,
        "Years": "" if one.years is None else str(one.years),
        "n": one.n,
        "Accuracy (%)": _percent(one.accuracy),
        "Sensitivity (%)": _percent(one.sensitivity),
        "Specificity (%)": _percent(one.specificity),
        "AUROC": "" if one.auc is None else f"{one.auc.value:.2f} ({one.auc.low:.2f} to {one.auc.high:.2f})",
        "d′": "" if one.detection is None else f"{one.detection.d_prime:.2f}",
        "Criterion": "" if one.detection is None else f"{one.detection.criterion:.2f}",
    }


def _percent(share: Estimate | None) -> str:
    if share is None:
        return ""
    return f"{100 * share.value:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})"
