"""Parts of stored arrays are what numpy's indexing gives; a file that changed is a sentence."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_core import stored_array
from synth_core.errors import DamagedFile
from synth_core.stored_array import StoredArray

SOURCES = Path(__file__).resolve().parents[1]


@st.composite
def arrays_and_parts(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], tuple[int | slice, ...]]:
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    array = np.arange(np.prod(shape), dtype=draw(st.sampled_from(["<i2", ">f4", "u1", "<f8"]))).reshape(shape)
    where = [
        draw(st.one_of(st.integers(-size, size - 1), st.builds(slice, *[st.none() | st.integers(-7, 7)] * 2)))
        for size in shape[: draw(st.integers(0, len(shape)))]
    ]
    return np.asarray(array, order=draw(st.sampled_from("CF"))), tuple(where)


@settings(max_examples=200, deadline=None)
@given(case=arrays_and_parts(), page=st.sampled_from([1, 4096]), block=st.sampled_from([1, 40, 2**20]))
def test_a_part_is_what_indexing_gives(tmp_path_factory: Any, case: Any, page: int, block: int) -> None:
    array, where = case
    file = tmp_path_factory.getbasetemp() / "part.npy"
    np.save(file, array)
    stored = pickle.loads(pickle.dumps(StoredArray.npy(file)))
    with pytest.MonkeyPatch.context() as patch:  # small ones take the ways of large ones
        patch.setattr(stored_array, "PAGE", page)
        patch.setattr(stored_array, "BLOCK", block)
        np.testing.assert_array_equal(stored.part(where), array[where])
    axis = array.ndim - 1 if stored.fortran else 0
    np.testing.assert_array_equal(np.concatenate(list(stored.blocks(block)), axis), array)


@given(rows=st.lists(st.integers(0, 9), max_size=30))
def test_rows_go_to_their_places(tmp_path_factory: Any, rows: list[int]) -> None:
    array = np.arange(60, dtype=np.float32).reshape(10, 2, 3)
    file = tmp_path_factory.getbasetemp() / "rows.npy"
    np.save(file, array)
    out = np.full((len(rows), 2, 3), np.nan, np.float32)
    places = np.random.default_rng(len(rows)).permutation(len(rows))
    StoredArray.npy(file).take(rows, out, places)
    np.testing.assert_array_equal(out[places], array[rows])


def test_what_lies_beyond_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 2), np.float32))
    stored = StoredArray.npy(tmp_path / "a.npy")
    for where in ((3,), (0, -3), (0, 0, 0), (slice(0, 3, 2),)):
        with pytest.raises(IndexError):
            stored.part(where)
    with pytest.raises(IndexError):
        stored.take([3], np.empty((1, 2), np.float32), np.array([0]))


def shorten(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def make_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def make_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


CHANGES = {"shorter": shorten, "gone": Path.unlink, "a folder": make_a_folder, "a pipe": make_a_pipe}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_is_a_sentence(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a.npy"
    np.save(file, np.zeros((300, 200)))
    stored = StoredArray.npy(file, "make it again.")
    CHANGES[change](file)
    with pytest.raises(DamagedFile, match=r"^a\.npy: .*make it again\.$"):
        stored.part((2,))


WAYS_TO_MAP = ("memmap", "mmap_mode", "import mmap", "mmap.mmap", "safe_open", "safetensors.torch import load_file")


def test_no_source_maps_a_file_into_memory() -> None:
    """Touching a page that a shortened file no longer has kills the process: `stored_array` is the way to read."""
    for folder in ("synth_core", "pages"):
        for source in (SOURCES / folder).rglob("*.py"):
            text = source.read_text(encoding="utf-8")
            assert not any(word in text for word in WAYS_TO_MAP), source
