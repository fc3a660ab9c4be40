from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from synth_core.data import Dataset, Source
from synth_core.types import Batch, Condition, DataSpec

SPEC = DataSpec("eeg", (1, 128), "uV", 128.0, ("Cz",), ("slow", "fast"))


def rhythms(subjects: int, each: int, seed: int = 0) -> Batch:
    """Tones of 6 or 20 Hz in noise, one class and one severity a person; amplitude grows with severity."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(subjects), each)
    fast, severity = person % 2, rng.random(subjects)[person]
    time, phase = np.arange(128) / 128, rng.uniform(0, 2 * np.pi, (len(person), 1))
    tones = np.sin(2 * np.pi * np.where(fast, 20, 6)[:, None] * time + phase)
    values = (10 + 40 * severity[:, None]) * tones + 5 * rng.standard_normal((len(person), 128))
    labels = torch.eye(2)[torch.from_numpy(fast)]
    condition = Condition(labels=labels, severity=torch.from_numpy(severity).float())
    return Batch(torch.from_numpy(values[:, None]).float(), SPEC, condition, tuple(f"s{i:02d}" for i in person))


def written(batch: Batch, path: Path, severity: bool = True) -> Dataset:
    """A dataset directory that holds a Batch."""
    path.mkdir(parents=True)
    values = batch.values.numpy()
    np.save(path / "values-00000.npy", values)
    names, labels = batch.spec.classes, batch.condition.labels
    assert batch.subjects is not None
    assert labels is not None
    assert batch.condition.severity is not None
    table = pd.DataFrame(
        {
            "record": batch.subjects,
            "subject": batch.subjects,
            "start": np.arange(len(batch), dtype=float),
            "labels": [[names[k] for k in np.flatnonzero(row)] for row in labels.numpy()],
            "severity": batch.condition.severity.numpy().astype(float) if severity else np.nan,
            "quality": 1.0,
        }
    )
    table.to_parquet(path / "examples.parquet", index=False)
    info = {"format": 1, "name": path.name, "spec": batch.spec.to_dict(), "preparation": {}}
    info |= {"source": asdict(Source(name="tones")), "hash": hashlib.sha256(values.tobytes()).hexdigest()}
    (path / "dataset.json").write_text(json.dumps(info))
    return Dataset.open(path)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """80 people × 4 windows of one second, two classes, severity."""
    return written(rhythms(80, 4), tmp_path_factory.mktemp("data") / "tones")


@pytest.fixture(scope="session")
def without_severity(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return written(rhythms(20, 8), tmp_path_factory.mktemp("data") / "plain", severity=False)
