import streamlit as st

from pages.compare import controls, numbers, spectra
from pages.shared import cache, examples, shell

shell.page("Compare", "Real and synthetic side by side: one scale, physical units, the same class.")

chosen = controls.choose()
if chosen is not None:
    real = controls.real(chosen)
    synthetic = controls.synthetic(chosen, real)
    sides = [
        examples.Side(real, f"Real, {chosen.part} part, n = {len(real)}", "real"),
        examples.Side(synthetic, f"Synthetic, n = {len(synthetic)}", "synthetic"),
    ]
    if cache.dataset_info(chosen.dataset).get("source", {}).get("simulated"):
        shell.simulated_badge()
    examples.show(sides, key="compare", height=540)
    left, right = st.columns([3, 2], gap="large")
    with left:
        spectra.show(real, synthetic)
    with right:
        numbers.show(real, synthetic)
    st.page_link(
        "pages/evaluate/page.py", label=f"Measure {chosen.model.name} in full", icon=":material/arrow_forward:"
    )
