"""Makes a study from real and synthetic examples: blinded items, the sealed key, the locked protocol."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from synth_core.errors import BlindingError, StudyError
from synth_core.storage import publish_directory
from synth_core.study.blinding import audit_items
from synth_core.study.key import Truth, seal
from synth_core.study.payload import Rendering, write_payload
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Store
from synth_core.study.tables import Event, Item, Study
from synth_core.types import Batch


@dataclass(frozen=True)
class _Candidate:
    """One example on its way to becoming an item."""

    values: np.ndarray
    synthetic: bool
    stratum: str
    source: str
    practice: bool


def create_study(
    store: Store,
    protocol: StudyProtocol,
    real: Batch,
    synthetic: Batch,
    *,
    source: str,
    now: datetime,
    despite: str = "",
) -> str:
    """Write the blinded items, the key and the locked protocol of a new study.

    Parameters
    ----------
    real, synthetic : `protocol.items_per_side` examples or more each; more are not used. Example i of both has the
        same classes where both say theirs.
    source : name of the generator; kept with the key.
    now : an aware datetime.
    despite : the owner's reason to make the study although its audit finds a leak; kept in the log.

    Returns
    -------
    The study's id, which is also its invitation token.

    Raises
    ------
    StudyError : when there are too few examples, they do not look alike, or their classes are not balanced.
    BlindingError : when the audit finds that something but the content tells the two kinds apart.
    """
    n = protocol.items_per_side
    for batch, side in ((real, "real"), (synthetic, "synthetic")):
        if len(batch) < n:
            raise StudyError(f"This study needs {n} {side} examples, practice included. There are {len(batch)}.")
    real, synthetic = real.select(slice(n)), synthetic.select(slice(n))
    candidates = _candidates(protocol, real, synthetic, source)
    rendering = Rendering.fit(real, synthetic)
    study_id = secrets.token_hex(16)
    folder = store.folder(study_id)
    try:
        items, key = _write_items(folder, study_id, rendering, candidates)
        leaks = _leaks(folder, rendering, items, key)
        if leaks and not despite.strip():
            raise BlindingError(leaks)
        told = f"made despite leaks ({' '.join(leaks)}): {despite.strip()}" if leaks else "made"
        _register(store, study_id, protocol, rendering, items, key, now, told)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return study_id


def _candidates(protocol: StudyProtocol, real: Batch, synthetic: Batch, source: str) -> list[_Candidate]:
    """Both sides in one random order. Example i of both is for practice or of neither, so that strata stay balanced."""
    rng = np.random.default_rng(protocol.seed)
    practice = set(rng.permutation(len(real))[: protocol.practice // 2].tolist())
    strata = _strata(real), _strata(synthetic)
    if None not in strata and Counter(strata[0]) != Counter(strata[1]):
        raise StudyError(
            "Real and synthetic items must have the same classes equally often, or the class gives them away."
        )
    found = [
        _Candidate(
            values=batch.values[index].numpy(),
            synthetic=batch is synthetic,
            stratum=(own or [""] * len(batch))[index],
            source=source if batch is synthetic else (batch.subjects or ("",) * len(batch))[index],
            practice=index in practice,
        )
        for batch, own in zip((real, synthetic), strata, strict=True)
        for index in range(len(batch))
    ]
    return [found[index] for index in rng.permutation(len(found))]


def _strata(batch: Batch) -> list[str] | None:
    """Classes of each example, joined by "+"; None when they are not known."""
    if batch.condition.labels is None:
        return None
    names = batch.spec.classes
    return ["+".join(name for name, on in zip(names, row, strict=True) if on > 0.5) for row in batch.condition.labels]


def _leaks(folder: Path, rendering: Rendering, items: list[Item], key: list[Truth]) -> tuple[str, ...]:
    """What the audit of the scored items found, in sentences; () where nothing leaks."""
    practice = {item.id for item in items if item.feedback is not None}
    found = audit_items(folder, rendering, [truth for truth in key if truth.item_id not in practice])
    return () if found.passed else found.sentences


def _write_items(
    folder: Path, study_id: str, rendering: Rendering, candidates: list[_Candidate]
) -> tuple[list[Item], list[Truth]]:
    items, key = [], []
    with publish_directory(folder) as temporary:
        for candidate in candidates:
            token = secrets.token_hex(16)
            digest = write_payload(temporary / f"{token}.npy", rendering.encode(candidate.values))
            told = ("synthetic" if candidate.synthetic else "real") if candidate.practice else None
            items.append(Item(id=token, study_id=study_id, digest=digest, feedback=told))
            key.append(
                Truth(
                    item_id=token,
                    synthetic=candidate.synthetic,
                    stratum=candidate.stratum,
                    source=candidate.source,
                )
            )
    return items, key


def _register(
    store: Store,
    study_id: str,
    protocol: StudyProtocol,
    rendering: Rendering,
    items: list[Item],
    key: list[Truth],
    now: datetime,
    reason: str,
) -> None:
    """Everything in one transaction: a study is there whole and locked, or not at all."""
    asked, rendered = protocol.model_dump(mode="json"), rendering.model_dump(mode="json")
    with store.session() as session:
        session.add(
            Study(
                id=study_id,
                protocol=asked,
                rendering=rendered,
                seal=seal(asked, rendered, items, key),
                created_at=now,
            )
        )
        session.flush()
        session.add_all(items)
        session.flush()
        session.add_all(key)
        session.add(Event(study_id=study_id, at=now, kind="locked", reason=reason))
