"""The script that each visitor runs: navigation, and the frame around the chosen page."""

import streamlit as st

from pages.shared import shell

PAGES = (
    ("home", "Home", ":material/home:"),
    ("data", "Data", ":material/database:"),
    ("train", "Train", ":material/model_training:"),
    ("compare", "Compare", ":material/compare:"),
    ("evaluate", "Evaluate", ":material/analytics:"),
    ("study", "Study", ":material/fact_check:"),
    ("rate", "Rate", ":material/rate_review:"),
)


def navigation() -> list[st.Page]:
    """The pages in the order of the work, each with its own address."""
    return [
        st.Page(shell.script(name), title=title, icon=icon, url_path=name, default=name == "home")
        for name, title, icon in PAGES
    ]


st.set_page_config(
    page_title="SynthScope",
    page_icon=str(shell.LOGO),
    layout="wide",
    initial_sidebar_state=216,
    menu_items={"About": f"SynthScope: synthetic EEG, ECG and CT, measured and rated. {shell.DISCLAIMER}"},
)
shell.style()
st.logo(str(shell.LOGO))
page = st.navigation(navigation(), position="sidebar" if shell.shows_navigation() else "hidden")
with shell.ErrorFrame():
    page.run()
if shell.shows_navigation():
    shell.footer()
