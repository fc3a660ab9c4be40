import streamlit as st

from pages.evaluate import experiments, report
from pages.shared import shell

shell.page("Evaluate", "Real enough, useful, safe? Each answer rests on numbers beside what other real people reach.")

views = {"Report": report.view, "Experiments": experiments.view}
view = st.segmented_control(
    "View", list(views), default="Report", required=True, key="evaluate-view", label_visibility="collapsed"
)
views[view]()
