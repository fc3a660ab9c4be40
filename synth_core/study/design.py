"""Makes a study from real and synthetic examples: blinded items, the sealed key, the locked protocol."""

from __future__ import annotations

import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.errors import BlindingError, StudyError
from synth_core.storage import publish_directory
from synth_core.study.access import Operation
from synth_core.study.audit import Audit
from synth_core.study.blinding import audit_items
from synth_core.study.key import Truth, locked, seal, truth_of
from synth_core.study.payload import Rendering, write_payload
from synth_core.study.protocol import StudyProtocol
from synth_core.study.rows import known_study
from synth_core.study.store import Store
from synth_core.study.tables import Event, Item, Order, Study
from synth_core.study.traits import PLACEMENT
from synth_core.types import Batch

REDRAWN = 5  # times at most that names and order are drawn again


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
    source: str | Sequence[str],
    now: datetime,
    plan: dict[str, Any] | None = None,
    lock: bool = True,
    despite: str = "",
) -> str:
    """Write the blinded items, the key and the protocol of a new study, and lock it.

    Parameters
    ----------
    real, synthetic : `protocol.items_per_side` examples or more each; more are not used. Example i of both has the
        same classes where both say theirs.
    source : name of the generator, or of that of each synthetic example; kept with the key.
    now : an aware datetime.
    plan : where the examples are from; kept as it is.
    lock : False makes a draft, which `lock_study` audits and locks; nobody can be invited before.
    despite : the owner's reason to lock the study although its audit finds a leak; kept in the log.

    Returns
    -------
    The study's id.

    Raises
    ------
    StudyError : when there are too few examples, they do not look alike, or their classes are not balanced.
    BlindingError : when the audit finds that something but the content tells the two kinds apart.
    """
    store.require(Operation.MAKE)
    n = protocol.items_per_side
    for batch, side in ((real, "real"), (synthetic, "synthetic")):
        if len(batch) < n:
            raise StudyError(f"This study needs {n} {side} examples, practice included. There are {len(batch)}.")
    real, synthetic = real.select(slice(n)), synthetic.select(slice(n))
    sources = [source] * n if isinstance(source, str) else list(source)[:n]
    candidates = _candidates(protocol, real, synthetic, sources)
    rendering = Rendering.fit(real, synthetic)
    study_id = secrets.token_hex(16)
    folder = store.folder(study_id)
    try:
        items, key, found = _blinded_items(folder, study_id, rendering, candidates)
        told = _told(found, despite) if lock else None
        made = Study(
            id=study_id,
            protocol=protocol.model_dump(mode="json"),
            rendering=rendering.model_dump(mode="json"),
            seal="",
            created_at=now,
            plan=plan,
        )
        _register(store, made, items, key, told)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return study_id


def lock_study(store: Store, study_id: str, now: datetime, *, despite: str = "") -> str:
    """Audit and lock a draft: its order is drawn, and protocol, items and key are sealed. Raters can then be invited.

    Parameters
    ----------
    despite : as for `create_study`.

    Returns
    -------
    The mark of the lock in the log. Kept elsewhere, it shows later that this lock was not replaced.

    Raises
    ------
    StudyError : when the study is unknown or locked already.
    BlindingError : when the audit finds a leak and no reason is given.
    """
    store.require(Operation.MAKE)
    with store.session() as session:
        study = known_study(session, study_id)
        items, key = _items_and_key(session, study)
    rendering = Rendering.model_validate(study.rendering)
    told = _told(_audited(store.folder(study_id), rendering, items, key), despite)
    with store.writing() as session:  # begun only now: nobody waits for the audit
        return _lock(store, session, known_study(session, study_id, to_change=True), now, told)


def _candidates(protocol: StudyProtocol, real: Batch, synthetic: Batch, sources: Sequence[str]) -> list[_Candidate]:
    """Both sides in one random order. Example i of both is for practice or of neither, so that strata stay balanced."""
    rng = np.random.default_rng(protocol.seed)  # None: from the operating system, so that nobody can draw it again
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
            source=sources[index] if batch is synthetic else (batch.subjects or ("",) * len(batch))[index],
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


def _blinded_items(
    folder: Path, study_id: str, rendering: Rendering, candidates: list[_Candidate]
) -> tuple[list[Item], list[Truth], Audit]:
    """Items on disk, their key, and what the audit found.

    Names and the order of writing are drawn at random, and a draw that happens to line up with the truth is drawn
    again: what remains is no coincidence.
    """
    for last in (False,) * REDRAWN + (True,):
        items, key = _write_items(folder, study_id, rendering, candidates)
        found = _audited(folder, rendering, items, key)
        if last or not PLACEMENT & {leak.group for leak in found.leaks}:
            break
        shutil.rmtree(folder)
    return items, key, found


def _audited(folder: Path, rendering: Rendering, items: list[Item], key: list[Truth]) -> Audit:
    """The audit of the scored items."""
    practice = {item.id for item in items if item.feedback is not None}
    return audit_items(folder, rendering, [truth for truth in key if truth.item_id not in practice])


def _write_items(
    folder: Path, study_id: str, rendering: Rendering, candidates: list[_Candidate]
) -> tuple[list[Item], list[Truth]]:
    items, key = [], []
    order = secrets.SystemRandom().sample(candidates, len(candidates))
    with publish_directory(folder) as temporary:
        for candidate in order:
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


def _told(found: Audit, despite: str) -> str:
    """What the log says of a lock; BlindingError for one that the owner has no reason for."""
    if found.passed:
        return "made"
    if not despite.strip():
        raise BlindingError(found.sentences)
    return f"made despite leaks ({' '.join(found.sentences)}): {despite.strip()}"


def _register(store: Store, study: Study, items: list[Item], key: list[Truth], told: str | None) -> None:
    """Everything in one transaction: a study is there whole, or not at all; locked where something is told of that."""
    with store.writing() as session:
        for rows in ([study], items, key):
            session.add_all(rows)
            session.flush()
        if told is not None:
            _lock(store, session, study, study.created_at, told)


def _lock(store: Store, session: Session, study: Study, now: datetime, told: str) -> str:
    if study.locked_at is not None:
        raise StudyError("This study is locked already; what was locked is not changed any more.")
    items, key = _items_and_key(session, study)
    given = study.protocol["seed"]
    order = Order(study_id=study.id, seed=secrets.randbits(63) if given is None else given)
    study.locked_at, study.seal = now, seal(study.protocol, study.rendering, items, key)
    session.add_all([order, Event(study_id=study.id, at=now, kind="locked", reason=told)])
    content = locked(study, order, items, key) | {"created_at": study.created_at.isoformat(), "reason": told}
    return store.journal.append(session, study.id, "locked", now, content)


def _items_and_key(session: Session, study: Study) -> tuple[list[Item], list[Truth]]:
    items = session.scalars(select(Item).where(Item.study_id == study.id)).all()
    return list(items), list(truth_of(session, study.id).values())
