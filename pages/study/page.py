import streamlit as st

from pages.shared import shell, studies
from pages.study import auditing, making, outcome, watching

shell.page("Study", "Let experts say which examples are real, without knowing, and see how often they are right.")

known = studies.store().studies()
views = ("Your studies", "New study")
wanted = st.session_state.pop("study-made", None)
if wanted:
    st.session_state["study-view"], st.session_state["study-chosen"] = views[0], wanted
st.session_state.setdefault("study-view", views[0 if known else 1])
view = st.segmented_control("View", views, required=True, key="study-view", label_visibility="collapsed")

if view == views[1]:
    making.show()
elif not known:
    st.info("There is no study yet. Make one under “New study”.", icon=":material/info:")
else:
    study = watching.choose(known)
    watching.show(study)
    auditing.show(study)
    if study.locked_at is None:
        watching.lock(study)
    else:
        outcome.history(study)
        if study.closed_at is None:
            with st.container(horizontal=True):
                outcome.amend(study)
                outcome.close(study)
        else:
            outcome.show(study)
