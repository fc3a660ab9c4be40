from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Dataset, Preparation, Recording, prepare
from synth_core.types import DataSpec


class Tones(Recording):
    """Sines whose frequency is the class, for a dataset in milliseconds."""

    def read(self, start: int | None = None, stop: int | None = None) -> np.ndarray:
        rng = np.random.default_rng(int(self.subject))
        frequency = 6.0 if self.labels["slow"] else 17.0
        time = np.arange(self.spec.shape[1]) / self.spec.rate
        wave = 40 * np.sin(2 * np.pi * frequency * time) + rng.normal(0, 5, self.spec.shape)
        return wave.astype(np.float32)[:, start:stop]


def tones(subjects: int = 12) -> list[Recording]:
    spec = DataSpec("eeg", (2, 640), "uV", 64.0, ("C3", "C4"), ("slow", "fast"))
    return [
        Tones(spec, str(number), f"r{number}", {"slow": number % 2, "fast": 1 - number % 2})
        for number in range(subjects)
    ]


@pytest.fixture(scope="session")
def tone_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 subjects × 10 windows of 2 channels × 64 samples, two classes."""
    out = tmp_path_factory.mktemp("datasets") / "tones"
    prepare(tones(), out, Preparation(seconds=1.0))
    return out


@pytest.fixture
def training_part(tone_dataset: Path) -> Dataset:
    return Dataset.open(tone_dataset).split()["train"]
