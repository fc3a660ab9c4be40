import streamlit as st

from pages.data import contents, library, merging, preparation, quality, source
from pages.shared import shell, state

shell.page("Data", "Look into recordings, and prepare them into a dataset of equal examples in physical units.")

views = ("In this workspace", "Add data", "Merge")
view = st.segmented_control(
    "View", views, default=views[0], required=True, key="data-view", label_visibility="collapsed"
)

if view == views[0]:
    library.show()
elif view == views[2]:
    merging.show()
else:
    source.choose()
    path = state.current().source
    if path is not None:
        found = contents.show(path)
        if found:
            quality.show(path, found)
            preparation.show(path, found)
