"""Arrays in NPY, NPZ, HDF5 and MATLAB files: what the file says, what the caller states, and nothing guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from synth_core.data import open_recordings
from synth_core.errors import DamagedFile, DataError, InvalidSetting
from synth_core.export.npz import write_npz
from synth_core.types import Batch, Condition, DataSpec

VALUES = np.random.default_rng(0).normal(0, 20, (6, 2, 50)).astype(np.float32)  # (n, channels, samples)
SAID: dict[str, Any] = {"fs": 100.0, "ch_names": ["Cz", "Pz"], "units": "uV", "y": [0, 1, 0, 1, 2, 2],
                        "subjects": ["a", "a", "b", "b", "c", "c"]}  # fmt: skip


def npz(file: Path, **arrays: Any) -> None:
    np.savez(file.with_suffix(".npz"), **arrays)


def npz_packed(file: Path, **arrays: Any) -> None:
    np.savez_compressed(file.with_suffix(".npz"), **arrays)


def hdf5(file: Path, **arrays: Any) -> None:
    with h5py.File(file.with_suffix(".h5"), "w") as content:
        for name, value in arrays.items():
            content[name] = value


def matlab(file: Path, **arrays: Any) -> None:
    cells = {name: np.array(value, object) if isinstance(value, list) else value for name, value in arrays.items()}
    scipy.io.savemat(file.with_suffix(".mat"), cells)


WRITERS: list[Callable[..., None]] = [npz, npz_packed, hdf5, matlab]


@pytest.mark.parametrize("write", WRITERS)
def test_what_the_file_says_is_read(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path / "x", X=VALUES, **SAID)
    recordings = open_recordings(tmp_path)
    assert len(recordings) == 6
    assert [one.subject for one in recordings] == SAID["subjects"]
    first = recordings[0]
    assert (first.spec.modality, first.spec.rate, first.spec.channels) == ("eeg", 100.0, ("Cz", "Pz"))
    assert recordings[4].labels == {"y 0": 0, "y 1": 0, "y 2": 1}
    for i, one in enumerate(recordings):
        np.testing.assert_array_equal(one.read(), VALUES[i])
        np.testing.assert_array_equal(one.read(7, 19), VALUES[i, :, 7:19])


def test_matlab_of_version_7_has_its_axes_in_reverse(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as content:
        content["X"] = VALUES.T
    with (tmp_path / "x.mat").open("r+b") as opened:
        opened.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    recordings = open_recordings(tmp_path, rate=100, unit="uV", modality="eeg")
    np.testing.assert_array_equal(recordings[5].read(3, 9), VALUES[5, :, 3:9])


def test_what_the_file_does_not_say_is_asked_for_one_by_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    stated: dict[str, Any] = {}
    for option, value in (("modality", "ecg"), ("rate", 250), ("unit", "uV")):
        with pytest.raises(DataError, match=f"state the `{option}`"):
            open_recordings(tmp_path, **stated)
        stated[option] = value
    recordings = open_recordings(tmp_path, **stated)
    np.testing.assert_allclose(recordings[3].read(), VALUES[3] / 1000, rtol=1e-6)
    assert {one.subject for one in recordings} == {"x"}
    assert "all of them count as one" in " ".join(recordings[0].warnings)
    assert recordings[0].basis == "guess"


def test_two_axes_are_channels_or_examples_and_not_guessed(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES[0])
    stated: dict[str, Any] = {"rate": 100, "unit": "uV", "modality": "eeg"}
    with pytest.raises(DataError, match="may be channels or examples"):
        open_recordings(tmp_path, **stated)
    assert [one.spec.shape for one in open_recordings(tmp_path, channels=["Cz", "Pz"], **stated)] == [(2, 50)]
    examples = open_recordings(tmp_path, channels=["Cz"], **stated)
    assert [one.spec.shape for one in examples] == [(1, 50), (1, 50)]
    np.testing.assert_array_equal(examples[1].read(3, 5), VALUES[0, 1:2, 3:5])


@pytest.mark.parametrize("modality", ["eeg", "ecg", "ct"])
def test_what_we_export_opens_again(tmp_path: Path, modality: str) -> None:
    spec = {
        "eeg": DataSpec("eeg", (2, 50), "uV", 128.0, ("Cz", "Pz"), ("one", "two")),
        "ecg": DataSpec("ecg", (2, 50), "mV", 100.0, ("I", "II"), ("one", "two")),
        "ct": DataSpec("ct", (1, 8, 8), "HU", 0.5, (), ("one", "two")),
    }[modality]
    values = torch.randn(4, *spec.shape)
    labels = torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]])
    mask = torch.rand(4, 1, 8, 8) if modality == "ct" else None
    condition = Condition(labels=labels, severity=torch.tensor([0.0, 0.25, 0.5, 1.0]), mask=mask)
    write_npz(Batch(values, spec, condition, ("a", "a", "b", "c")), tmp_path / "made.npz")
    recordings = open_recordings(tmp_path)
    for i, one in enumerate(recordings):
        np.testing.assert_array_equal(one.read(), values[i].numpy())
        assert one.labels == {"one": int(labels[i, 0]), "two": int(labels[i, 1])}
    assert [one.severity for one in recordings] == [0.0, 0.25, 0.5, 1.0]
    assert [one.subject for one in recordings] == ["a", "a", "b", "c"]
    if mask is not None:
        np.testing.assert_array_equal(recordings[2].lesion_mask(), mask[2].numpy())


def linked(file: Path) -> None:
    with h5py.File(file, "w") as content:
        content["X"] = h5py.ExternalLink("/etc/passwd", "/x")


def elsewhere(file: Path) -> None:
    with h5py.File(file, "w") as content:
        content.create_dataset("X", (2, 50), "f4", external=[(str(file.with_suffix(".bin")), 0, 400)])


def pickled(file: Path) -> None:
    np.save(file, np.array([{"a": 1}, [2]], object), allow_pickle=True)


def cut(file: Path) -> None:
    np.save(file, VALUES)
    file.write_bytes(file.read_bytes()[:900])


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link.h5": (linked, "refers to another file"),
    "samples elsewhere.h5": (elsewhere, "keeps its samples in another file"),
    "objects.npy": (pickled, "never unpickled"),
    "cut.npy": (cut, "is cut short"),
    "no signals.npz": (lambda file: np.savez(file, a=1, b=2), "has no array called"),
    "labels.npz": (lambda file: np.savez(file, X=VALUES, y=[1, 2]), "for 6 examples"),
    "rate.npz": (lambda file: np.savez(file, X=VALUES, fs=-1.0), "sampling rate of -1"),
    "unit.npz": (lambda file: np.savez(file, X=VALUES, unit="kg"), "no voltage"),
    "axes.npz": (lambda file: np.savez(file, X=VALUES.swapaxes(1, 2), ch_names=["Cz", "Pz"]), "channels in the last"),
    "not hdf5.h5": (lambda file: file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)), "damaged HDF5"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    make, expected = BAD[name]
    make(tmp_path / name)
    with pytest.raises(DataError, match=expected):
        open_recordings(
            tmp_path, rate=100 if name != "rate.npz" else None, modality="eeg", unit=None if "unit" in name else "uV"
        )


@pytest.mark.parametrize("options", [{"rate": -1}, {"unit": "kg"}, {"modality": "meg"}, {"channels": ["a", "a"]}])
def test_options_out_of_range_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        open_recordings(tmp_path, **options)


def test_a_file_that_shrinks_after_opening_is_a_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    recording = open_recordings(tmp_path, rate=100, unit="uV", modality="eeg")[5]
    cut(tmp_path / "x.npy")
    with pytest.raises(DamagedFile):
        recording.read()


SLICES = np.where(np.hypot(*np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 24))) < 0.8, 35, -1000)
SCAN = (np.stack([SLICES] * 4) + np.random.default_rng(0).normal(0, 5, (4, 24, 20))).astype(np.int16)


@pytest.mark.parametrize(
    ("values", "count", "slices"),
    [
        (SCAN, 4, 1),
        (SCAN[0], 1, 1),
        (SCAN[:1], 1, 1),
        (SCAN[0][..., None], 1, 1),
        (SCAN[..., None], 4, 1),
        (SCAN[:, None], 4, 1),
        (np.stack([SCAN, SCAN]), 2, 4),
        (SCAN[None], 1, 4),
        (np.stack([SCAN, SCAN])[:, None], 2, 4),
    ],
)
@pytest.mark.parametrize("write", [npz, npz_packed, hdf5])
def test_slices_of_ct_by_their_shapes(
    tmp_path: Path, write: Callable[..., None], values: np.ndarray, count: int, slices: int
) -> None:
    write(tmp_path / "x", ct=values)
    recordings = open_recordings(tmp_path, pixel_mm=0.5)
    assert [one.slices for one in recordings] == [slices] * count
    assert {one.spec.shape for one in recordings} == {(1, 24, 20)}
    assert {one.spec.rate for one in recordings} == {2.0}
    read = np.concatenate([one.read() for one in recordings])
    np.testing.assert_array_equal(read, np.maximum(values.reshape(-1, 24, 20), -1024))
    np.testing.assert_array_equal(recordings[0].read(slices - 1, slices), read[slices - 1 : slices])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.stack([SCAN[0][:20]] * 5, axis=-1), r"last axis; move them to the first \(numpy.moveaxis\(x, -1, 0\)\)"),
        (np.stack([np.stack([SCAN[0][:20]] * 5, axis=-1)] * 2), r"last axis; .*moveaxis\(x, -1, 1\)"),
        (np.stack([SCAN] * 3, axis=-1), "colours, windows or slices"),
        (np.stack([SCAN] * 3, axis=1), "colours, windows or slices"),
        ((SCAN > 0).astype(np.uint8), "labels or a mask"),
        (SCAN > 0, "labels or a mask"),
        (SCAN * 100, "state `hu_offset`|not Hounsfield units"),
    ],
)
def test_arrays_of_ct_that_are_not_certain_are_refused(tmp_path: Path, values: np.ndarray, sentence: str) -> None:
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(DataError, match=sentence):
        open_recordings(tmp_path, modality="ct")


def test_masks_and_labels_beside_slices(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=SCAN, masks=SCAN > 0, y=[0, 1, 1, 0], patients=["a", "a", "b", "b"])
    recordings = open_recordings(tmp_path, modality="ct")
    assert [one.subject for one in recordings] == ["a", "a", "b", "b"]
    assert recordings[1].labels == {"y 0": 0, "y 1": 1}
    np.testing.assert_array_equal(recordings[2].lesion_mask(), (SCAN > 0)[2:3])
    assert "250 mm" in " ".join(recordings[0].warnings)
