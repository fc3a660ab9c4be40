import streamlit as st

from pages.home.cohorts import cohort_card, run_line
from pages.shared import cache, panels, shell

shell.page("SynthScope", "Make synthetic EEG, ECG and CT, and see how far they can be trusted.")

datasets = cache.readable_datasets()
demo = [path for path in datasets if path.name in panels.DEMO_NAMES]
own = [path for path in datasets if path not in demo]

if not datasets:
    panels.nothing_yet("This workspace is empty.")
elif panels.demo_missing():
    panels.build_demo_button()

for title, group in (("Demo cohorts", demo), ("Your datasets", own)):
    if not group:
        continue
    st.subheader(title, anchor=False)
    for start in range(0, len(group), 3):
        for column, path in zip(st.columns(3), group[start : start + 3], strict=False):
            with column:
                cohort_card(path)

runs = cache.workspace().runs()
if runs:
    st.subheader("Training", anchor=False)
    for path in runs[:4]:
        run_line(path)

st.subheader("Next", anchor=False)
steps = (
    ("data", "Add recordings", "Your folder of WFDB, EDF, DICOM or CSV files is read where it is."),
    ("train", "Train a generator", "Training goes on when you close the browser."),
    ("compare", "Compare", "Real and synthetic side by side, at one scale, in physical units."),
    ("evaluate", "Evaluate", "Every number stands beside how far apart two groups of real people are."),
    ("study", "Ask experts", "Let them say, blinded, which examples are real."),
)
for column, (name, label, reason) in zip(st.columns(len(steps)), steps, strict=True):
    with column:
        st.page_link(shell.script(name), label=label, icon=":material/arrow_forward:")
        st.caption(reason)
