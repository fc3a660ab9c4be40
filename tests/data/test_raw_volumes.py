"""MetaImage and NRRD whose voxels lie elsewhere than in one plain block: after other data, or a file for each slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.errors import DataError
from tests.data.fuzz_ct import head

SLICE = 16 * 16 * 2  # bytes
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\n{extra}TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n"
    "ElementSpacing = 1 1 5\nDimSize = 16 16 3\nElementType = MET_SHORT\nElementDataFile = {data}\n"
)
NRRD = (
    "NRRD0005\ntype: int16\ndimension: 3\nspace: left-posterior-superior\nsizes: 16 16 3\n"
    "space directions: (1,0,0) (0,1,0) (0,0,5)\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n{extra}"
    "data file: {data}\n"
)
CONTENT = head().astype("<i2").tobytes()


def slices(folder: Path, names: list[str], before: bytes = b"") -> None:
    for number, name in enumerate(names):
        (folder / name).write_bytes(before + CONTENT[number * SLICE : (number + 1) * SLICE])


def metaimage(folder: Path, data: str, extra: str = "") -> None:
    (folder / "a.mhd").write_text(META.format(data=data, extra=extra))


def nrrd(folder: Path, data: str, extra: str = "") -> None:
    (folder / "a.nhdr").write_text(NRRD.format(data=data, extra=extra))


WRITERS = {"metaimage": metaimage, "nrrd": nrrd}
NAMES = {"LIST\n{}": ["x.raw", "y.raw", "z.raw"], "s%03d.raw 1 3 1": ["s001.raw", "s002.raw", "s003.raw"],
         "s%d.raw 9 5 -2": ["s9.raw", "s7.raw", "s5.raw"]}  # fmt: skip


def check(folder: Path) -> None:
    skipped: list[DataError] = []
    (volume,) = open_recordings(folder, skipped=skipped)
    assert not skipped
    np.testing.assert_array_equal(volume.read(), head())
    np.testing.assert_array_equal(volume.read(1, 2), head()[1:2])


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("pattern", NAMES)
def test_a_file_for_each_slice(tmp_path: Path, write: str, pattern: str) -> None:
    slices(tmp_path, NAMES[pattern])
    WRITERS[write](tmp_path, pattern.format("\n".join(NAMES[pattern])))
    check(tmp_path)


def test_lists_with_dimensions_and_headers_before_each(tmp_path: Path) -> None:
    slices(tmp_path, ["x.raw", "y.raw", "z.raw"], before=b"header")
    metaimage(tmp_path, "LIST 2D\nx.raw\ny.raw\nz.raw", "HeaderSize = -1\n")
    check(tmp_path)


@pytest.mark.parametrize(("write", "extra"), [("metaimage", "HeaderSize = {}\n"), ("nrrd", "byte skip: {}\n")])
@pytest.mark.parametrize("skip", [-1, 100])
def test_voxels_after_other_data(tmp_path: Path, write: str, extra: str, skip: int) -> None:
    (tmp_path / "a.raw").write_bytes(b"h" * 100 + CONTENT)
    WRITERS[write](tmp_path, "a.raw", extra.format(skip))
    check(tmp_path)


def test_big_endian_and_axes_of_one_value(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(head().astype(">i2").tobytes())
    text = META.format(data="a.raw", extra="BinaryDataByteOrderMSB = True\n")
    text = text.replace("NDims = 3", "NDims = 4").replace("16 16 3", "16 16 3 1").replace("1 1 5\n", "1 1 5 1\n")
    identity = " ".join(str(int(i == j)) for i in range(4) for j in range(4))
    text = text.replace("1 0 0 0 1 0 0 0 1", identity).replace("Offset = 0 0 0", "Offset = 0 0 0 0")
    (tmp_path / "a.mhd").write_text(text)
    check(tmp_path)


def test_a_leading_axis_of_one_value_in_nrrd(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(CONTENT)
    text = NRRD.format(data="a.raw", extra="").replace("dimension: 3", "dimension: 4")
    (tmp_path / "a.nhdr").write_text(text.replace("16 16 3", "1 16 16 3").replace(": (1,0,0)", ": none (1,0,0)"))
    check(tmp_path)


BAD = {
    "LIST\nx.raw\ny.raw\n../z.raw": "outside its own folder",
    "LIST\nx.raw\ny.raw\n/etc/passwd": "outside its own folder",
    "../s%d.raw 1 3 1": "outside its own folder",
    "LIST\nx.raw\ny.raw": "one of 2 files of a volume of 3 slices",
    "LIST\nx.raw\ny.raw\nnowhere.raw": r"nowhere\.raw: is named by a header",
    "LIST\nx.raw\ny.raw\nshort.raw": r"short\.raw: is cut short: 500 of 512 bytes",
    "LIST": "names 0 files",
    "s%d.raw 1 99999999 1": "names 99999999 files",
    "s%d.raw 1 three": "no sound numbers",
    "s%d.raw 1 99999999999999999999999": "no sound numbers",
}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("data", BAD)
def test_bad_lists_are_one_sentence(tmp_path: Path, write: str, data: str) -> None:
    slices(tmp_path, ["x.raw", "y.raw", "z.raw"])
    (tmp_path / "short.raw").write_bytes(CONTENT[:500])
    WRITERS[write](tmp_path, data)
    with pytest.raises(DataError, match=BAD[data]):
        open_recordings(tmp_path)


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("HeaderSize = -1\n", "is cut short: 1,526 of 1,536 bytes"),
        ("BinaryData = False\n", "as text"),
        ("ElementNumberOfChannels = 3\n", "3 values a voxel"),
        ("HeaderSize = -1\nCompressedData = True\n", "compressed voxels in several files or after other data"),
    ],
)
def test_what_is_not_read_is_said(tmp_path: Path, extra: str, sentence: str) -> None:
    (tmp_path / "a.raw").write_bytes(CONTENT[:-10])
    metaimage(tmp_path, "a.raw", extra)
    with pytest.raises(DataError, match=sentence):
        open_recordings(tmp_path)
