from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from synth_core.study.access import OWNER
from synth_core.study.database import open_store
from synth_core.study.design import create_study
from synth_core.study.invitations import invite
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Profile, Store
from synth_core.types import Batch, Condition, DataSpec

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SPEC = DataSpec("ecg", (2, 50), "mV", 100.0, ("I", "II"), ("afib", "sinus"))


def batch(n: int, *, seed: int = 0, spec: DataSpec = SPEC, subjects: bool = True) -> Batch:
    """Noise in which class alternates."""
    values = torch.randn(n, *spec.shape, generator=torch.Generator().manual_seed(seed))
    labels = torch.nn.functional.one_hot(torch.arange(n) % 2, 2).float()
    names = tuple(f"patient-{index}" for index in range(n)) if subjects else None
    return Batch(values, spec, Condition(labels=labels), names)


def owned(url: str, items: Path) -> Store:
    """A store that acts for its owner."""
    return open_store(url, items).acting(OWNER)


def joined(store: Store, study: str, name: str, specialty: str = "", years: int = 1) -> str:
    """The participation code of a rater who was invited and joined."""
    (invitation,) = invite(store, study, 1, now=NOW)
    return store.join(invitation, Profile(name, specialty, years), NOW)


def answer_all(store: Store, rater: str, value: int = 1) -> list[str]:
    tokens = []
    while (task := store.task(rater)) is not None:
        store.answer(rater, task.token, value, 900, NOW)
        tokens.append(task.token)
    return tokens


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return owned("sqlite://", tmp_path / "items")


@pytest.fixture
def study(store: Store) -> str:
    protocol = StudyProtocol(title="Tiny", per_side=6, practice=2, repeats=0.25)
    return create_study(store, protocol, batch(7), batch(7, seed=1, subjects=False), source="flow", now=NOW)


@pytest.fixture
def rater(store: Store, study: str) -> str:
    return joined(store, study, "Ada", "cardiology", 12)
