"""The audit of a study's blinding: what tells the kinds apart before the content is looked at, and what that says."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shared import items, studies, words
from synth_core.study.audit import Audit, Trait
from synth_core.study.blinding import audit_study, scored_items
from synth_core.study.store import Store, StudyRecord

SHOWN = 40
SIGNATURE = (
    "The content, reported apart: simple statistics that differ between real and synthetic. They are the generator's "
    "own signature, which a rater may notice too, and no fault of the blinding."
)


def show(study: StudyRecord) -> None:
    """A button, then the answer in a sentence and the traits behind it."""
    told = "Tries names, sizes, limits, last digits, ends, order and latency of the items; shows no single one."
    kept = st.session_state.setdefault("study-audited", {})
    if st.button("Audit the blinding", icon=":material/policy:", key="study-audit", help=told):
        with st.spinner("Trying what items are sent as …"):
            kept[study.id] = _audit(studies.store(), study)
    if study.id in kept:
        _result(kept[study.id])


def _audit(store: Store, study: StudyRecord) -> Audit:
    paths = [store.folder(study.id) / f"{item}.npy" for item in scored_items(store, study.id)]
    sizes = [float(len(items.message(study.rendering, study.rendering.read(path)))) for path in paths]
    return audit_study(store, study.id, more={"message to the browser": {"bytes": sizes}})


def _result(found: Audit) -> None:
    said = "  \n".join(words.plain(sentence) for sentence in found.sentences)
    if not found.conclusive:
        st.info(said)
    else:
        (st.success if found.passed else st.error)(said)
    with st.expander("What was tried"):
        _table(found.transport, "study-audit-transport")
        st.caption(SIGNATURE)
        _table(found.signature, "study-audit-signature")


def _table(traits: tuple[Trait, ...], key: str) -> None:
    rows = [(one.group, one.name, one.auc, one.p) for one in traits[:SHOWN]]
    table = pd.DataFrame(rows, columns=["of", "trait", "AUROC", "p (family-wise)"])
    columns = {
        "AUROC": st.column_config.NumberColumn(format="%.2f", help="0.5 is chance; 0 and 1 tell every item."),
        "p (family-wise)": st.column_config.NumberColumn(format="%.4f"),
    }
    st.dataframe(table, hide_index=True, column_config=columns, key=key)
