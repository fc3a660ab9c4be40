"""Spectra of both sides, with their spread; for CT also the distribution of HU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared import words

if TYPE_CHECKING:
    from synth_core.types import Batch

EVERY = "median of all channels"


def show(real: Batch, synthetic: Batch) -> None:
    """Power spectra for signals; HU histogram and radial spectrum for slices."""
    if real.spec.is_image:
        _slices(real, synthetic)
    else:
        _signals(real, synthetic)


def _signals(real: Batch, synthetic: Batch) -> None:
    from synth_core.figures import spectrum_overlay
    from synth_core.signal import power_spectral_density

    spec = real.spec
    st.subheader("Power spectral density", anchor=False)
    names = spec.channels if len(spec.channels) > 1 else ()
    wanted = st.selectbox("Channel", (EVERY, *names), key="compare-channel", width=260) if names else EVERY
    densities = []
    for batch in (real, synthetic):
        freqs, density = power_spectral_density(batch.values.numpy(), spec.rate)  # (n, channels, frequencies)
        densities.append(np.median(density, axis=1) if wanted == EVERY else density[:, names.index(wanted)])
    figure = spectrum_overlay(freqs, *densities, unit=words.unit(spec.unit), bands=spec.modality == "eeg")
    st.plotly_chart(figure, key="compare-spectrum", height=380)
    st.caption(
        "Line: median over examples. Band: 10 to 90 % of examples. Welch, 2 s Hann segments or the whole example."
    )


def _slices(real: Batch, synthetic: Batch) -> None:
    from synth_core.figures import histogram_overlay, radial_spectrum_overlay

    a, b = real.values[:, 0].numpy(), synthetic.values[:, 0].numpy()
    st.subheader("Hounsfield units and radial spectrum", anchor=False)
    st.plotly_chart(histogram_overlay(a, b, unit="HU"), key="compare-histogram", height=300)
    st.plotly_chart(radial_spectrum_overlay(a, b, pixels_per_mm=real.spec.rate), key="compare-radial", height=300)
