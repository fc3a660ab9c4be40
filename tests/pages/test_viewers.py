import json
import re
import struct
import zlib

import numpy as np
import pytest

from pages.shared import viewer_message, viewers
from pages.shared.viewers import Stack, Trace, slice_message, waveform_message
from synth_core.errors import InvalidSetting, SpecMismatch


def unpack(packed):
    length = struct.unpack_from("<I", packed)[0]
    planes = np.frombuffer(zlib.decompress(packed[4 + length :]), np.uint8).reshape(2, -1)
    codes = np.cumsum(np.ascontiguousarray(planes.T).view("<i2").ravel(), dtype=np.int16)
    return json.loads(packed[4 : 4 + length]), codes


def shown(packed):
    header, codes = unpack(packed)
    pane = header["panes"][0]
    rows = codes[: len(pane["channels"]) * pane["samples"]].reshape(-1, pane["samples"])
    scale, offset = (np.array([channel[name] for channel in pane["channels"]])[:, None] for name in ("scale", "offset"))
    return pane, np.where(rows == viewer_message.GAP, np.nan, offset + scale * rows)


def trace(values, **fields):
    return Trace(np.asarray(values, np.float32), 100.0, "uV", tuple(f"C{i}" for i in range(len(values))), **fields)


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(12, 1000)).astype(np.float32) * 100


def test_values_survive_within_half_a_quantisation_step(noise):
    _, values = shown(waveform_message([trace(noise)], modality="eeg"))
    bound = np.ptp(noise, axis=1, keepdims=True) / 131068
    assert (np.abs(values - noise) <= bound * 1.01 + 1e-6).all()


def test_gaps_stay_gaps_and_an_empty_channel_is_allowed(noise):
    noise[0, 5:9] = np.nan
    noise[1] = np.nan
    _, values = shown(waveform_message([trace(noise)], modality="eeg"))
    np.testing.assert_array_equal(np.isnan(values), np.isnan(noise))


def test_a_long_recording_fits_a_message_and_keeps_a_spike_of_one_sample():
    values = np.random.default_rng(0).normal(size=(64, 120_000)).astype(np.float32)
    values[40, 77_777] = 400.0
    packed = waveform_message([trace(values)], modality="eeg")
    pane, kept = shown(packed)
    assert len(packed) <= 2_000_000
    assert kept[40].max() == pytest.approx(400, abs=0.01)
    assert kept[40].argmax() / pane["rate"] == pytest.approx(777.77, abs=1)
    assert pane["note"]


def test_hounsfield_units_are_exact_to_half_a_unit():
    volume = np.random.default_rng(0).uniform(-1024, 3071, (3, 32, 40)).astype(np.float32)
    _, codes = unpack(slice_message([Stack(volume, 0.5)]))
    assert np.abs(codes.reshape(volume.shape) - volume).max() <= 0.5


def test_a_large_stack_is_averaged_until_it_fits_and_keeps_its_scale_in_mm():
    volume = np.random.default_rng(0).normal(40, 5, (28, 512, 512)).astype(np.float32)
    packed = slice_message([Stack(volume, 2.0)])
    pane = unpack(packed)[0]["panes"][0]
    assert len(packed) <= 2_000_000
    assert pane["shape"][1] / pane["pixelsPerMm"] == pytest.approx(256, abs=2)
    assert pane["note"]


def test_neutral_messages_and_the_assets_have_no_word_that_unblinds(noise):
    messages = [
        waveform_message([trace(noise, title="Item 1")], modality="ecg"),
        slice_message([Stack(noise[None], 1.0, title="Item 1")]),
    ]
    texts = [json.dumps(unpack(packed)[0]) for packed in messages]
    texts += [path.read_text() for path in viewers.ASSETS.glob("*.[jc]s*")]
    for text in texts:
        assert not re.search(r"\breal|synthetic|generat|fake|\btint|#0072b2|#d55e00", text, re.IGNORECASE)


def test_neutral_and_tinted_differ_in_the_colour_only(noise):
    neutral, tinted = (
        unpack(waveform_message([trace(noise, tint=tint)], modality="ecg"))[0]["panes"][0]
        for tint in ("neutral", "real")
    )
    assert (neutral.pop("colour"), tinted.pop("colour")) == (None, "#0072B2")
    assert neutral == tinted


def test_the_identity_follows_the_content(noise):
    first, again, other = (
        unpack(waveform_message([trace(values)], modality="ecg"))[0]["identity"] for values in (noise, noise, -noise)
    )
    assert first == again != other


@pytest.mark.parametrize(
    "make",
    [
        lambda: trace(np.zeros((0, 5))),
        lambda: Trace(np.zeros((2, 5), np.float32), 100, "uV", ("one",)),
        lambda: Trace(np.zeros((1, 5), np.float32), 0, "uV", ("one",)),
        lambda: Stack(np.zeros((5, 5), np.float32), 1.0),
        lambda: Stack(np.zeros((2, 5, 5), np.float32), 1.0, captions=("one",)),
    ],
)
def test_contradictions_are_refused(make):
    with pytest.raises(SpecMismatch):
        make()


def test_nothing_to_show_is_refused(noise):
    for show in (
        lambda: waveform_message([], modality="ecg"),
        lambda: waveform_message([trace(noise)], modality="ct"),
        lambda: slice_message([]),
    ):
        with pytest.raises(InvalidSetting):
            show()


def test_blind_messages_of_one_shape_have_one_size(noise):
    sizes = {
        len(waveform_message([trace(values)], modality="ecg", blind=True)) for values in (noise, 0 * noise, noise / 977)
    }
    assert len(sizes) == 1


def test_blind_slices_leave_the_number_keys_to_the_page(noise):
    for blind in (False, True):
        header, _ = unpack(slice_message([Stack(noise[None], 1.0)], blind=blind))
        assert header["numberKeys"] is not blind
