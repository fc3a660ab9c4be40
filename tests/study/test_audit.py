"""Planted leaks are each caught, honest items pass, and what is content gates nothing."""

import base64
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from synth_core.errors import BlindingError
from synth_core.study import traits
from synth_core.study.audit import Audit, areas, audit, permuted
from synth_core.study.blinding import audit_items, audit_study, search_traffic, secrets_of
from synth_core.study.design import create_study, lock_study
from synth_core.study.key import Truth
from synth_core.study.payload import Rendering, write_payload
from synth_core.study.protocol import StudyProtocol
from synth_core.study.results import events
from synth_core.study.verification import verify
from synth_core.types import Batch, Condition, DataSpec
from tests.study.conftest import joined, owned

SPECS = {
    "ecg": DataSpec("ecg", (3, 1000), "mV", 100.0, ("I", "II", "III"), ("a", "b")),
    "eeg": DataSpec("eeg", (2, 1000), "uV", 200.0, ("C3", "C4"), ("a", "b")),
    "ct": DataSpec("ct", (1, 48, 48), "HU", 0.5, (), ("a", "b")),
}
SCALE = {"ecg": 0.3, "eeg": 30.0, "ct": 300.0}
N = 30


def values(modality: str, seed: int, n: int = N) -> np.ndarray:
    """Noise that varies smoothly, with amplitudes that differ from item to item."""
    rng = np.random.default_rng(seed)
    spec = SPECS[modality]
    raw = gaussian_filter1d(rng.normal(size=(n, *spec.shape)), 3.0, axis=-1, mode="wrap")
    scale = rng.lognormal(0, 0.4, size=(n, *[1] * len(spec.shape)))
    return (raw / raw.std() * SCALE[modality] * scale).astype(np.float32)


def batch(modality: str, content: np.ndarray) -> Batch:
    labels = Condition(labels=torch.eye(2).repeat((len(content) + 1) // 2, 1)[: len(content)])
    return Batch(torch.from_numpy(content), SPECS[modality], labels)


class Items:
    """Payloads of both kinds in a folder, and their key."""

    def __init__(self, folder: Path, modality: str = "ecg", n: int = N, size: float = 1.0) -> None:
        self.folder = folder
        sides = [values(modality, 1, n), values(modality, 2, n) * np.float32(size)]
        self.rendering = Rendering.fit(*(batch(modality, side) for side in sides))
        self.truths: list[Truth] = []
        self.codes: dict[str, np.ndarray] = {}
        rng = np.random.default_rng(0)
        for index in rng.permutation(2 * n):
            kind, one = divmod(int(index), n)
            name = rng.bytes(16).hex()
            self.codes[name] = self.rendering.encode(sides[kind][one])
            self.truths.append(Truth(item_id=name, synthetic=bool(kind), stratum="ab"[one % 2], source=""))
            write_payload(folder / f"{name}.npy", self.codes[name])

    def path(self, truth: Truth) -> Path:
        return self.folder / f"{truth.item_id}.npy"

    def rewrite(self, change: object) -> None:
        """Write each synthetic item again, its codes changed."""
        for truth in self.truths:
            if truth.synthetic:
                write_payload(self.path(truth), change(self.codes[truth.item_id]))  # type: ignore[operator]

    def audit(self, **more: object) -> Audit:
        return audit_items(self.folder, self.rendering, self.truths, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("modality", ["ecg", "eeg", "ct"])
def test_honest_items_pass(tmp_path: Path, modality: str) -> None:
    found = Items(tmp_path, modality).audit()
    assert found.passed, found.sentences
    assert len(found.transport) > 20


def test_false_alarms_keep_the_stated_error() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(2 * N) % 2 == 1
    alarms = 0
    for seed in range(200):
        groups = {"a": {str(k): rng.normal(size=2 * N) for k in range(5)}, "b": {"c": rng.integers(0, 3, 2 * N)}}
        alarms += not audit(groups, {}, truth, seed=seed).passed
    assert alarms <= 7  # 2 are expected; 8 or more have a chance of 0.001


def plant_comment(items: Items) -> None:
    for truth in items.truths:
        if truth.synthetic:
            content = items.path(truth).read_bytes()
            items.path(truth).write_bytes(content.replace(b"          \n", b" # made   \n", 1))


def plant_name(items: Items) -> None:
    for truth in items.truths:
        old, letter = items.path(truth), "s" if truth.synthetic else "r"
        truth.item_id = letter + truth.item_id[1:]
        old.rename(items.path(truth))


def plant_precision(items: Items) -> None:
    items.rewrite(lambda codes: (codes // 2 * 2).astype("<i2"))


def plant_limit(items: Items) -> None:
    def clamp(codes: np.ndarray) -> np.ndarray:
        return np.minimum(codes, np.percentile(codes, 99)).astype("<i2")

    items.rewrite(clamp)


def plant_one_maximum(items: Items) -> None:
    def scaled(codes: np.ndarray) -> np.ndarray:
        return np.rint(codes / codes.max() * 900).astype("<i2")

    items.rewrite(scaled)


def plant_order(items: Items) -> None:
    for number, truth in enumerate(sorted(items.truths, key=lambda one: one.synthetic)):
        os.utime(items.path(truth), ns=(10**18, 10**18 + number * 10**9))


def plant_padding(items: Items) -> None:
    def padded(codes: np.ndarray) -> np.ndarray:
        codes = codes.copy()
        codes[..., -2:] = 0
        return codes

    items.rewrite(padded)


@pytest.mark.parametrize(
    ("plant", "group"),
    [
        (plant_comment, "file head"),
        (plant_name, "file name"),
        (plant_precision, "last digits"),
        (plant_limit, "extremes"),
        (plant_one_maximum, "extremes"),
        (plant_order, "place on disk"),
        (plant_padding, "first and last samples"),
    ],
)
def test_each_planted_leak_is_caught(tmp_path: Path, plant: object, group: str) -> None:
    items = Items(tmp_path)
    plant(items)  # type: ignore[operator]
    assert group in {leak.group for leak in items.audit().leaks}


@pytest.mark.parametrize(("group", "trait"), [("latency", "seconds"), ("message to the browser", "bytes")])
def test_leaks_that_only_the_caller_sees_are_caught(tmp_path: Path, group: str, trait: str) -> None:
    items = Items(tmp_path)
    rng = np.random.default_rng(5)
    measured = [0.02 + 0.001 * rng.normal() + (0.003 if truth.synthetic else 0) for truth in items.truths]
    assert group in {leak.group for leak in items.audit(more={group: {trait: measured}}).leaks}


def test_a_size_is_caught_before_the_content_is_read(tmp_path: Path) -> None:
    items = Items(tmp_path)
    for truth in items.truths:
        if truth.synthetic:
            with items.path(truth).open("ab") as file:
                file.write(b"\0\0")
    paths = [items.path(truth) for truth in items.truths]
    groups = traits.of_files(paths, items.rendering.shape)
    found = audit(groups, {}, np.array([truth.synthetic for truth in items.truths]))
    assert "file size" in {leak.group for leak in found.leaks}


def test_both_larger_and_smaller_is_seen(tmp_path: Path) -> None:
    truth = np.arange(60) % 2 == 1
    rng = np.random.default_rng(0)
    sizes = np.where(truth, rng.choice([-9.0, 9.0], 60), 0) + rng.normal(size=60)
    assert not audit({"size": {"bytes": sizes}}, {}, truth).passed


def test_what_is_content_is_reported_and_gates_nothing(tmp_path: Path) -> None:
    found = Items(tmp_path, size=0.4).audit()
    assert found.passed, found.sentences
    assert found.signature[0].group in ("amplitude", "regularity")
    assert found.signature[0].p < 0.01


def test_few_items_say_that_they_cannot_show_a_leak(tmp_path: Path) -> None:
    found = Items(tmp_path, n=4).audit()
    assert "cannot show a leak" in found.sentences[0]


def test_permutations_stay_within_classes() -> None:
    truth = np.array([True, False, True, True, False, False])
    labels = permuted(truth, list("aaabbb"), 50, np.random.default_rng(0))
    assert (labels[:, :3].sum(axis=1) == 2).all()
    assert len(np.unique(labels, axis=0)) > 5


def test_areas_are_those_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 5, 40), rng.random((3, 40)) < 0.4
    expected = [roc_auc_score(row, scores) for row in labels]
    assert areas(rankdata(scores)[None], labels) == pytest.approx(expected)


def protocol(**settings: object) -> StudyProtocol:
    return StudyProtocol(title="zebratitle", per_side=N - 2, **settings)  # type: ignore[arg-type]


def test_a_leak_keeps_a_study_from_being_made_unless_a_reason_is_given(tmp_path: Path) -> None:
    store = owned("sqlite://", tmp_path)
    real, synthetic = values("eeg", 1), values("eeg", 2)
    synthetic[..., -2:] = synthetic[..., -3:-2]
    sides, now = (batch("eeg", real), batch("eeg", synthetic)), datetime.now(UTC)
    create_study(store, protocol(), *sides, source="okapi", now=now)  # the common filter has taken the flat end away
    spec = SPECS["ct"]
    flat = values("ct", 2)
    flat[:, :, :, -4:] = 37.0
    sides = (Batch(torch.from_numpy(values("ct", 1)), spec), Batch(torch.from_numpy(flat), spec))
    with pytest.raises(BlindingError, match="first and last samples"):
        create_study(store, protocol(), *sides, source="okapi", now=now)
    assert len(list(tmp_path.iterdir())) == 1  # nothing of the refused one is left
    create_study(store, protocol(), *sides, source="okapi", now=now, despite="a pilot of the form")
    draft = create_study(store, protocol(), *sides, source="okapi", now=now, lock=False)
    with pytest.raises(BlindingError):
        lock_study(store, draft, now)
    assert store.study(draft).locked_at is None
    lock_study(store, draft, now, despite="a second pilot")
    ((_, _, told),) = events(store, draft)
    assert told.endswith(": a second pilot")
    assert verify(store, draft).intact


def test_a_study_is_audited_with_the_orders_of_its_raters(tmp_path: Path) -> None:
    store = owned("sqlite://", tmp_path)
    now = datetime.now(UTC)
    study = create_study(
        store, protocol(), batch("ecg", values("ecg", 1)), batch("ecg", values("ecg", 2)), source="okapi", now=now
    )
    assert "order" not in {trait.group for trait in audit_study(store, study).transport}
    for name in ("one", "two"):
        joined(store, study, name)
    found = audit_study(store, study)
    assert {"order", "latency"} <= {trait.group for trait in found.transport}
    assert {leak.group for leak in found.leaks} <= {"latency"}, found.sentences  # a busy machine is not blind


def test_secrets_are_found_however_they_are_written(tmp_path: Path) -> None:
    store = owned("sqlite://", tmp_path)
    study = create_study(
        store,
        protocol(),
        batch("ecg", values("ecg", 1)),
        batch("ecg", values("ecg", 2)),
        source="okapi generator",
        now=datetime.now(UTC),
    )
    secrets = secrets_of(store, study)
    assert secrets == ("okapi generator", "zebratitle")
    for lead in range(3):
        for secret in secrets:
            hidden = b"x" * lead + secret.encode() + b"tail"
            assert {found.secret for found in search_traffic(base64.b64encode(hidden), secrets)} == {secret}
    for traffic in (b"OKAPI Generator", "okapi generator".encode("utf-16-le"), b"?q=okapi%20generator"):
        assert [found.secret for found in search_traffic(traffic, secrets)] == ["okapi generator"]
    assert search_traffic(b"nothing of the kind" * 50, secrets) == []
