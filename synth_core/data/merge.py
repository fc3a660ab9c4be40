"""Prepared datasets joined into one, under one set of class names."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synth_core.data.dataset import FORMAT, Dataset
from synth_core.data.recording import Source
from synth_core.data.shards import ShardWriter
from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.storage import publish_directory, write_json_atomic
from synth_core.types import DataSpec

Progress = Callable[[int, int, str], None]
LabelMap = Mapping[str, str | None]
BLOCK = 256  # examples copied at once


def merge(
    datasets: Sequence[Dataset],
    out: Path | str,
    *,
    label_maps: Sequence[LabelMap] | None = None,
    keep_unlabelled: bool = False,
    name: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Join datasets whose examples are alike: same modality, shape, rate and channels.

    Parameters
    ----------
    datasets : at least two, whole or views.
    out : a path that does not exist yet.
    label_maps : per dataset, own class name → name in the joined one; None drops the class, and a class that is not
        named keeps its name. Several classes may become one.
    keep_unlabelled : keep examples whose classes were all dropped.
    name : for display; the name of `out` by default.
    progress : called with (examples done, all, dataset name); what it raises cancels, and leaves nothing.

    Returns
    -------
    A dataset whose table has `source`, the dataset that an example is from. Subjects and records are named
    "collection/…" after the collection they were prepared from, so that "patient 1" of two hospitals stay two people,
    and one patient of a collection that was prepared twice stays one. `info["merged"]` has the class counts of each
    dataset before and after, its hash and its label map.

    Raises
    ------
    InvalidSetting : for fewer than two datasets, an unknown class in a map, or when `out` exists.
    SpecMismatch : when examples differ; the message says in what and what to do.
    """
    out = Path(out)
    maps = [dict(label_map) for label_map in label_maps] if label_maps is not None else [{} for _ in datasets]
    _check(datasets, maps, out)
    classes = tuple(
        dict.fromkeys(
            new
            for dataset, mapping in zip(datasets, maps, strict=True)
            for old in dataset.spec.classes
            if (new := mapping.get(old, old)) is not None
        )
    )
    spec = DataSpec.from_dict({**datasets[0].spec.to_dict(), "classes": classes})
    tables = [_mapped(dataset, mapping) for dataset, mapping in zip(datasets, maps, strict=True)]
    keep_all = keep_unlabelled or not any(dataset.spec.classes for dataset in datasets)
    kept = [np.flatnonzero([bool(names) or keep_all for names in table["labels"]]) for table in tables]
    with publish_directory(out) as folder:
        digest = _copy(datasets, kept, spec, folder, progress)
        table = pd.concat([rows.iloc[chosen] for rows, chosen in zip(tables, kept, strict=True)], ignore_index=True)
        if table.empty:
            raise InvalidSetting("No example is left: every class is dropped. Keep at least one class of one dataset.")
        table.to_parquet(folder / "examples.parquet", index=False)
        merged = [
            _described(dataset, mapping, rows.iloc[chosen])
            for dataset, mapping, rows, chosen in zip(datasets, maps, tables, kept, strict=True)
        ]
        left_out = sum(len(dataset) for dataset in datasets) - len(table)
        info = {
            "format": FORMAT,
            "name": name or out.name,
            "spec": spec.to_dict(),
            "preparation": datasets[0].info.get("preparation", {}),
            "source": asdict(Source.joined(Source(**dataset.info["source"]) for dataset in datasets)),
            "hash": digest,
            "counts": {
                "recordings": int(table["record"].nunique()),
                "subjects": int(table["subject"].nunique()),
                "examples": len(table),
                "left_out": {"no class left": left_out} if left_out else {},
                "basis": _bases(datasets),
            },
            "warnings": list(dict.fromkeys(one for dataset in datasets for one in dataset.info.get("warnings", []))),
            "problems": [],
            "merged": merged,
        }
        write_json_atomic(folder / "dataset.json", info)
    return Dataset.open(out)


def renamed(labels: pd.Series[Any], mapping: LabelMap) -> pd.Series[Any]:
    """A column of lists of class names, in the names of the joined dataset, each once."""
    lists = [
        list(dict.fromkeys(new for old in names if (new := mapping.get(old, old)) is not None)) for names in labels
    ]
    return pd.Series(lists, index=labels.index, dtype=object)


def class_counts(labels: pd.Series[Any]) -> dict[str, int]:
    """Examples per class, most frequent first, from a column of lists of class names."""
    counts = labels.explode().dropna().value_counts()
    return {str(name): int(count) for name, count in counts.items()}


def _check(datasets: Sequence[Dataset], maps: Sequence[LabelMap], out: Path) -> None:
    if len(datasets) < 2:
        raise InvalidSetting("Choose at least two datasets to merge.")
    if len(maps) != len(datasets):
        raise InvalidSetting(f"{len(datasets)} datasets need as many label maps. Got {len(maps)}.")
    if out.exists():
        raise InvalidSetting(f"{out.name} exists already; choose another name or remove it first.")
    first = datasets[0]
    for dataset, mapping in zip(datasets, maps, strict=True):
        for field in ("modality", "shape", "rate", "channels"):
            one, other = getattr(first.spec, field), getattr(dataset.spec, field)
            if one != other:
                raise SpecMismatch(
                    f"{first.name} and {dataset.name} differ in {field}: {_plain(one)} and {_plain(other)}; "
                    "prepare them again with the same settings."
                )
        unknown = [old for old in mapping if old not in dataset.spec.classes]
        if unknown:
            known = ", ".join(dataset.spec.classes) or "none"
            raise InvalidSetting(f"{dataset.name} has no class {unknown[0]!r}; its classes are {known}.")


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _mapped(dataset: Dataset, mapping: LabelMap) -> pd.DataFrame:
    """The table of a dataset in the terms of the joined one."""
    collection = str(dataset.info.get("source", {}).get("name") or dataset.name)
    table = dataset.table.reset_index(drop=True).copy()
    table["labels"] = renamed(table["labels"], mapping)
    for column in ("subject", "record"):
        table[column] = [f"{collection}/{value}" for value in table[column]]
    return table.assign(source=dataset.name)


def _copy(
    datasets: Sequence[Dataset],
    kept: Sequence[np.ndarray[Any, np.dtype[np.intp]]],
    spec: DataSpec,
    folder: Path,
    progress: Progress | None,
) -> str:
    """Values, and masks where all datasets have them, as new shards; returns the SHA-256 of both."""
    digest, done, total = hashlib.sha256(), 0, sum(map(len, kept))
    masked = all(len(dataset) and dataset.batch([0]).condition.mask is not None for dataset in datasets)
    with ExitStack() as stack:
        values = stack.enter_context(ShardWriter(folder, "values", spec.shape, np.float32))
        masks = stack.enter_context(ShardWriter(folder, "mask", (1, *spec.shape[1:]), np.float16)) if masked else None
        for dataset, rows in zip(datasets, kept, strict=True):
            for start in range(0, len(rows), BLOCK):
                batch = dataset.batch(rows[start : start + BLOCK])
                for position, example in enumerate(batch.values.numpy()):
                    digest.update(values.append(example))
                    if masks is not None and batch.condition.mask is not None:
                        digest.update(masks.append(batch.condition.mask[position].numpy()))
                done += len(batch)
                if progress is not None:
                    progress(done, total, dataset.name)
    return digest.hexdigest()


def _bases(datasets: Sequence[Dataset]) -> dict[str, int]:
    """Recordings per basis of their subject, over all datasets."""
    counts: Counter[str] = Counter()
    for dataset in datasets:
        counts.update(dataset.info.get("counts", {}).get("basis", {}))
    return dict(counts.most_common())


def _described(dataset: Dataset, mapping: LabelMap, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "hash": dataset.info.get("hash", ""),
        "part": dataset.part,
        "labels": dict(mapping),
        "before": class_counts(dataset.table["labels"]),
        "after": class_counts(rows["labels"]),
    }
