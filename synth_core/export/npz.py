"""A batch as one NumPy archive: values, labels, severity, mask, subjects, and the spec as JSON."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import torch

from synth_core.errors import DamagedFile, DataError, SpecMismatch
from synth_core.types import Batch, Condition, DataSpec

LARGEST = 8 * 2**30  # bytes of the values; more does not belong in one archive


def write_npz(batch: Batch, path: Path | str) -> Path:
    """Write `path`; the file appears whole or not at all.

    Examples that are of nobody (`subjects` is None) are synthetic, and the file says so, with their origin.
    """
    target = Path(path)
    arrays = {"values": batch.values.numpy(), "spec": np.array(json.dumps(batch.spec.to_dict()))}
    condition = batch.condition
    for name in condition.given:
        arrays[name] = getattr(condition, name).numpy()
    if batch.subjects is not None:
        arrays["subjects"] = np.array(batch.subjects)
    if batch.synthetic or batch.subjects is None:
        arrays["origin"] = np.array(json.dumps({**(batch.origin or {}), "synthetic": True}))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    temporary.replace(target)
    return target


def read_npz(path: Path | str) -> Batch:
    """Read what `write_npz` wrote.

    Raises
    ------
    DamagedFile : the archive is broken, lacks a part or contradicts its own spec.
    """
    source = Path(path)
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise DataError(source, "holds more than 8 GiB; split it into several files.")
        with np.load(source, allow_pickle=False) as arrays:
            spec = DataSpec.from_dict(json.loads(str(arrays["spec"])))
            parts = {name: torch.from_numpy(arrays[name]) for name in ("labels", "severity", "mask") if name in arrays}
            subjects = tuple(map(str, arrays["subjects"])) if "subjects" in arrays else None
            origin = dict(json.loads(str(arrays["origin"]))) if "origin" in arrays else None
            if origin is None and subjects is None:
                origin = {"synthetic": True}  # files of older versions do not say it
            return Batch(torch.from_numpy(arrays["values"]), spec, Condition(**parts), subjects, origin)
    except FileNotFoundError as error:
        raise DataError(source, "does not exist.") from error
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile, SpecMismatch) as error:
        raise DamagedFile(source, f"is not an archive of examples that `sample` wrote ({error}).") from error
