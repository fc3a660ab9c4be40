"""SynthScope's dashboard: `streamlit run app.py`. Navigation only; each page is a folder in pages/."""

from pathlib import Path

import streamlit as st

from pages.shared import cache, shell

PAGES = (
    ("home", "Home", ":material/home:"),
    ("data", "Data", ":material/database:"),
    ("train", "Train", ":material/model_training:"),
    ("compare", "Compare", ":material/compare:"),
    ("evaluate", "Evaluate", ":material/analytics:"),
    ("study", "Study", ":material/science:"),
    ("rate", "Rate", ":material/rate_review:"),
)
HERE = Path(__file__).resolve().parent


def navigation() -> list[st.Page]:
    """The pages in the order of the work, each with its own address."""
    return [
        st.Page(HERE / "pages" / name / "page.py", title=title, icon=icon, url_path=name, default=name == "home")
        for name, title, icon in PAGES
        if (HERE / "pages" / name / "page.py").is_file()
    ]


st.set_page_config(
    page_title="SynthScope",
    page_icon=str(shell.LOGO) if shell.LOGO.is_file() else None,
    layout="wide",
    menu_items={"About": f"SynthScope: synthetic EEG, ECG and CT, measured and rated. {shell.DISCLAIMER}"},
)
shell.style()
if shell.LOGO.is_file():
    st.logo(str(shell.LOGO))
rating = (st.context.url or "").split("?")[0].rstrip("/").endswith("/rate")
page = st.navigation(navigation(), position="hidden" if rating else "sidebar")
with shell.ErrorFrame():
    page.run()
if not rating:
    shell.footer()
cache.warm()
