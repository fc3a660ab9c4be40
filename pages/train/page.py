import streamlit as st

from pages.shared import cache, shell
from pages.train import new_run, watch

shell.page("Train", "Train a generator on a dataset. A run goes on when this page, or the server, is closed.")

views = ("Runs", "New run")
st.session_state.setdefault("train-view", views[0] if cache.workspace().runs() else views[1])
if st.session_state.pop("train-go-to-runs", False):  # a run was just started
    st.session_state["train-view"] = views[0]
view = st.segmented_control("View", views, required=True, key="train-view", label_visibility="collapsed")

if view == "New run":
    new_run.show()
else:
    watch.show()
