import streamlit as st

from pages.evaluate import report
from pages.shared import shell

shell.page("Evaluate", "Real enough, useful, safe? Each answer rests on numbers beside what other real people reach.")

views = {"Report": report.view}
view = next(iter(views))
if len(views) > 1:
    view = st.segmented_control("View", views, default=view, required=True, key="evaluate-view")
views[view]()
