import streamlit as st

from pages.compare import controls, numbers, spectra
from pages.shared import cache, examples, panels, shell, words

shell.page("Compare", "Real and synthetic side by side: one scale, physical units, the same class.")

row = st.container(horizontal=True, vertical_alignment="bottom")
chosen = controls.choose(row)
if chosen is not None:
    real = controls.real(chosen)
    synthetic = controls.synthetic(chosen, real)
    origin = panels.kind_of(cache.dataset_info(chosen.dataset)["source"])
    sides = [
        examples.Side(real, f"Real{origin}, {chosen.part} part, n = {len(real)}", "real"),
        examples.Side(synthetic, f"Synthetic, n = {len(synthetic)}", "synthetic"),
    ]
    examples.show(sides, key="compare", height=540, beside=row)
    left, right = st.columns([3, 2], gap="large")
    with left:
        spectra.show(real, synthetic)
    with right:
        numbers.show(real, synthetic)
    st.page_link(
        shell.script("evaluate"),
        label=f"Measure {words.plain(chosen.model.name)} in full",
        icon=":material/arrow_forward:",
    )
