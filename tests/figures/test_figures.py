import numpy as np
import pandas as pd
import pytest

from synth_core.errors import SpecMismatch
from synth_core.figures import (
    REAL,
    SYNTHETIC,
    IntervalRow,
    accuracy_intervals,
    class_balance,
    histogram_overlay,
    loss_curves,
    radial_spectrum_overlay,
    roc,
    spectrum_overlay,
)

RNG = np.random.default_rng(0)
FREQS = np.arange(0, 65.0)


def named(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def spectra(n):
    return RNG.lognormal(size=(n, len(FREQS)))


def test_a_spectrum_shows_median_spread_number_and_unit():
    psd = spectra(40)
    figure = spectrum_overlay(FREQS, psd, spectra(7), unit="µV")
    lines = named(figure)
    assert set(lines) == {"Real, n = 40", "Synthetic, n = 7"}
    np.testing.assert_allclose(lines["Real, n = 40"].y, np.median(psd, axis=0)[1:])
    assert lines["Real, n = 40"].line.color == REAL
    assert lines["Synthetic, n = 7"].line.color == SYNTHETIC
    assert figure.layout.xaxis.title.text == "Frequency (Hz)"
    assert "µV²/Hz" in figure.layout.yaxis.title.text
    assert figure.layout.yaxis.type == "log"


def test_bands_are_named_only_when_asked_for_and_within_the_axis():
    assert [a.text for a in spectrum_overlay(FREQS, spectra(3), spectra(3), unit="µV").layout.annotations] == [
        "delta",
        "theta",
        "alpha",
        "beta",
        "gamma",
    ]
    assert len(spectrum_overlay(FREQS[:11], spectra(3)[:, :11], spectra(3)[:, :11], unit="µV").layout.annotations) == 3
    assert not spectrum_overlay(FREQS, spectra(3), spectra(3), unit="mV", bands=False).layout.annotations


def test_a_spectrum_of_another_length_is_refused():
    with pytest.raises(SpecMismatch, match=r"\(n, 65\)"):
        spectrum_overlay(FREQS, spectra(3)[:, 1:], spectra(3), unit="µV")


def test_histograms_share_bins_and_sum_to_one():
    figure = histogram_overlay(RNG.normal(40, 90, (9, 32, 32)), RNG.normal(0, 3000, (4, 32, 32)), unit="HU")
    first, second = figure.data
    np.testing.assert_array_equal(first.x, second.x)
    for trace in figure.data:
        assert np.nansum(trace.y) == pytest.approx(1)
    assert figure.layout.xaxis.title.text == "Value (HU)"


def test_a_constant_can_be_drawn():
    assert len(histogram_overlay(np.ones((3, 5)), np.ones((2, 5)), unit="mV").data) == 2


def test_the_radial_axis_is_in_cycles_per_mm_up_to_nyquist():
    figure = radial_spectrum_overlay(RNG.normal(size=(4, 32, 32)), RNG.normal(size=(2, 32, 32)), pixels_per_mm=0.5)
    assert named(figure)["Real, n = 4"].x[-1] == pytest.approx(0.25)
    assert figure.layout.xaxis.title.text == "Spatial frequency (cycles/mm)"


def test_loss_curves_draw_terms_of_alternating_phases_and_thin_long_runs():
    steps = np.arange(6000)
    generator = np.where(steps % 5 == 0, 1.0, np.nan)
    figure = loss_curves(pd.DataFrame({"step": steps, "critic.total": -1.0, "generator.total": generator}))
    assert max(len(trace.x) for trace in figure.data) <= 2000
    smooth = [trace for trace in figure.data if trace.showlegend is not False]
    assert [trace.name for trace in smooth] == ["critic.total", "generator.total"]
    assert np.isfinite(np.concatenate([trace.y for trace in figure.data])).all()


def test_a_missing_column_is_named():
    with pytest.raises(SpecMismatch, match="no column vae"):
        loss_curves(pd.DataFrame({"step": [1], "flow.total": [0.5]}), ["vae"])


def test_the_forest_plot_has_intervals_numbers_and_the_chance_line():
    figure = accuracy_intervals([IntervalRow("All raters", 0.55, 0.48, 0.63, 300)])
    (points,) = figure.data
    assert points.y == ("All raters, n = 300",)
    assert points.error_x.array[0] == pytest.approx(8)
    assert points.error_x.arrayminus[0] == pytest.approx(7)
    assert figure.layout.shapes[0].x0 == 50


def test_a_perfect_reader_has_an_area_of_one():
    figure = roc({"All": ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])})
    assert figure.data[0].name == "All, AUROC 1.00"


def test_class_balance_keeps_order_and_numbers():
    (bars,) = class_balance({"NORM": 1200, "MI": 40}).data
    assert bars.y == ("NORM", "MI")
    assert bars.text == ("1,200", "40")
