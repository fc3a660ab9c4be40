"""Samples that are drawn while training, as .npz files; nothing in one is unpickled, unpacked or believed."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import DataError, RunError
from synth_core.regular_file import read_bytes
from synth_core.training.description import sentence

LARGEST = 2**30  # bytes
REMEDY = "choose another one; the run goes on without it."


@dataclass(frozen=True)
class Preview:
    """Samples drawn while training: values (n, *shape) in physical units and the labels asked for, (n, classes)."""

    step: int
    values: NDArray[np.float32]
    labels: NDArray[np.float32] | None


def read_preview(file: Path, shape: tuple[int, ...], classes: int) -> Preview:
    """A preview of examples of a shape, with labels of that many classes or none; RunError where it is not one."""
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(file, LARGEST, REMEDY))) as archive:
            there = archive.namelist()
            values = _array(archive, "values.npy")
            labels = _array(archive, "labels.npy") if "labels.npy" in there else None
    except DataError as error:
        raise RunError(sentence(file, str(error).removeprefix(f"{file.name}: "))) from error
    except Exception as error:  # zipfile and numpy raise whatever a damaged header led them to
        raise RunError(sentence(file, f"is damaged and cannot be shown; {REMEDY}")) from error
    if values.shape[1:] != shape or not len(values):
        raise RunError(sentence(file, f"must have shape (n, {_sizes(shape)}). Got ({_sizes(values.shape)}); {REMEDY}"))
    if labels is not None and labels.shape != (len(values), classes):
        wanted = _sizes((len(values), classes))
        raise RunError(sentence(file, f"needs labels of shape ({wanted}). Got ({_sizes(labels.shape)}); {REMEDY}"))
    if not all(np.isfinite(array).all() for array in (values, labels) if array is not None):
        raise RunError(sentence(file, f"holds values that are not finite; {REMEDY}"))
    if labels is not None and not ((labels >= 0) & (labels <= 1)).all():
        raise RunError(sentence(file, f"holds labels beyond 0 and 1; {REMEDY}"))
    return Preview(int(file.stem), values, labels)


def preview_bytes(preview: Preview) -> bytes:
    """The content of its file, which says that it is synthetic, as files of `sample` do."""
    origin = np.array(json.dumps({"synthetic": True, "name": f"preview at step {preview.step}"}))
    arrays = {"values": preview.values, "origin": origin}
    arrays |= {} if preview.labels is None else {"labels": preview.labels}
    made = io.BytesIO()
    np.savez(made, **arrays)  # type: ignore[arg-type]
    return made.getvalue()


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError("compressed arrays may unpack to anything")
    content = io.BytesIO(archive.read(name))
    form = np.lib.format
    if form.read_magic(content) != (1, 0):
        raise ValueError("no array of ours")
    shape, fortran, dtype = form.read_array_header_1_0(content)
    if dtype != np.float32 or fortran:
        raise ValueError("no array of ours")
    return np.frombuffer(content.read(), np.float32).reshape(shape).copy()  # what it views cannot be written


def _sizes(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))[:60]
