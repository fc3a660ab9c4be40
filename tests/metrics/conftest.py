import numpy as np
import pytest
import torch

from synth_core.types import Batch, Condition, DataSpec

SPEC = DataSpec("eeg", (1, 256), "uV", 128.0, ("Cz",), ("slow", "fast"))


def rhythms(seed: int, n: int, subjects: int | None = None, amplitude: float = 30.0) -> Batch:
    """Tones of 6 or 12 Hz over 1/f noise: two classes, a few examples per subject."""
    rng = np.random.default_rng(seed)
    fast = rng.integers(0, 2, n)
    time = np.arange(256) / 128
    noise = np.cumsum(rng.normal(size=(n, 256)), axis=1)
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    tones = np.sin(2 * np.pi * (6 + 6 * fast[:, None]) * time + phase) * rng.uniform(0.5, 1, (n, 1))
    values = amplitude * (tones + 0.1 * (noise - noise.mean(1, keepdims=True)))
    names = None if subjects is None else tuple(f"s{seed}-{i % subjects}" for i in range(n))
    labels = torch.eye(2)[torch.from_numpy(fast)]
    return Batch(torch.from_numpy(values[:, None]).float(), SPEC, Condition(labels=labels), names)


@pytest.fixture(scope="session")
def train() -> Batch:
    return rhythms(1, 240, subjects=24)


@pytest.fixture(scope="session")
def holdout() -> Batch:
    return rhythms(2, 240, subjects=24)


@pytest.fixture(scope="session")
def synthetic() -> Batch:
    return rhythms(3, 240)
