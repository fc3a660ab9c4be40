import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.figures import drawing, part_spectrum, ratio_chart, ratio_map, spectra_by_part
from synth_core.figures.drawings import span_of
from synth_core.figures.ratios import hover, times_worse
from synth_core.leads import TWELVE_LEADS
from synth_core.types import DataSpec
from tests.export.reports import measure, small_report

ECG = DataSpec("ecg", (12, 1000), "mV", 100.0, TWELVE_LEADS)


def test_right_is_worse_for_measures_of_either_direction():
    assert times_worse(measure(value=3.0)) == 3
    assert times_worse(measure(value=0.5, better="higher")) == 2
    assert math.isinf(times_worse(measure(value=0.0, better="higher")))
    assert math.isnan(times_worse(measure(floor=-1.0)))


def test_the_chart_has_the_worst_on_top_a_line_at_one_and_no_measure_without_a_floor():
    rows = [measure("a", 1.1), measure("b", 9.0), measure("c", 3.0, floor=0.0)]
    figure = ratio_chart(rows, "eeg")
    assert figure.layout.yaxis.categoryarray == ("a", "b")  # drawn from the bottom
    assert figure.layout.shapes[0].x0 == 1
    marks = {trace.name: trace for trace in figure.data if trace.name}
    assert marks["far"].y == ("b",)
    assert len({trace.marker.symbol for trace in marks.values()}) == 3


def test_under_the_pointer_stand_meaning_numbers_and_what_moves_a_measure(monkeypatch):
    monkeypatch.setattr("synth_core.figures.ratios.reacts_to", lambda *_: ("dropped band",))
    said = hover(measure("<b>", 1.5, part="C3", split="channel"), "eeg").replace("<br>", " ")
    assert "&lt;b&gt; · C3: near" in said
    assert "A difference." in said
    assert "Reacts to: dropped band." in said


def test_the_map_has_a_row_for_each_part():
    (cells,) = ratio_map([m for m in small_report().measures if m.split == "class"], "eeg").data
    assert cells.y == ("rest", "task")
    assert np.array(cells.text).tolist() == [["2×"], ["2×"]]


def test_a_part_has_the_spectrum_of_its_own_examples():
    report = small_report()
    assert part_spectrum(report.evidence, class_name="rest").data[2].name == "Real, n = 25"
    channel = part_spectrum(report.evidence, channel="C4").data[2].y
    np.testing.assert_allclose(channel, np.median(report.evidence.real_psd[:, 1], axis=0))
    with pytest.raises(InvalidSetting, match="no channel Pz"):
        part_spectrum(report.evidence, channel="Pz")


def test_the_list_of_parts_shows_one_at_a_time():
    figure = spectra_by_part(small_report().evidence)
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons][1:] == ["class: rest", "class: task", "channel: C3", "channel: C4"]
    for button in menu.buttons:
        assert sum(button.args[0]["visible"]) == 6
    assert [trace.visible for trace in figure.data].count(False) == len(figure.data) - 6


def test_an_ecg_is_drawn_in_millimetres():
    values = np.zeros((12, 1000))
    values[1, 500] = 1.0  # lead II, 1 mV
    root = ET.fromstring(drawing(values, ECG))
    assert float(root.get("viewBox").split()[2]) == 260  # 10 s at 25 mm/s, and margins
    strip = list(root.iter("{http://www.w3.org/2000/svg}path"))[-1].get("d").split("l")[1]
    moves = np.array(strip.split(), dtype=float).reshape(-1, 2)
    assert np.abs(np.cumsum(moves[:, 1])).max() == pytest.approx(10)  # 10 mm/mV
    assert {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")} >= set(TWELVE_LEADS)


def test_an_eeg_is_drawn_with_negative_up_and_names_escaped():
    spec = DataSpec("eeg", (1, 100), "uV", 100.0, ("<C3>",))
    values = np.zeros((1, 100))
    values[0, 50] = -100.0
    root = ET.fromstring(drawing(values, spec, span=100.0))
    trace = next(path for path in root.iter("{http://www.w3.org/2000/svg}path") if "l" in path.get("d")).get("d")
    first = np.array(trace.split("l")[1].split(), dtype=float).reshape(-1, 2)
    assert first[first[:, 1] != 0][0, 1] < 0  # up in SVG
    assert "<C3>" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_one_gain_for_examples_that_stand_side_by_side():
    quiet, loud = np.random.default_rng(0).normal(size=(2, 4, 500)) * np.array([1, 100])[:, None, None]
    assert span_of([quiet]) < span_of([quiet, loud]) <= span_of([loud])


def test_a_slice_is_drawn_through_the_brain_window():
    svg = drawing(np.full((1, 64, 64), 40.0), DataSpec("ct", (1, 64, 64), "HU", 0.256))
    assert "data:image/png;base64," in svg
    assert "W 80 L 40" in svg


def test_a_drawing_of_another_shape_is_refused():
    with pytest.raises(SpecMismatch, match=r"\(12, 1000\)"):
        drawing(np.zeros((12, 999)), ECG)
