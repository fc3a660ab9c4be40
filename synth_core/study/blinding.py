"""Joins a study's items with its key for the audit of its blinding, and searches recorded traffic for secrets."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.errors import StudyError
from synth_core.study import traits
from synth_core.study.access import Operation
from synth_core.study.audit import Audit, Groups, audit
from synth_core.study.key import Truth, truth_of
from synth_core.study.payload import Rendering
from synth_core.study.store import Store
from synth_core.study.tables import Item, Rater, Study, Trial

SHORTEST = 4  # characters of a secret that is searched for; shorter ones occur by chance


class Found(NamedTuple):
    """A secret that stands in recorded traffic, and how it is written there."""

    secret: str
    form: str


def audit_study(store: Store, study_id: str, *, more: Groups | None = None, seed: int = 0) -> Audit:
    """Audit a study as it stands, with the orders that its raters were given.

    Parameters
    ----------
    more : traits that only the caller sees, such as sizes of messages; in the order of item ids.

    Raises
    ------
    StudyError : when the study or one of its payloads is missing.
    """
    store.require(Operation.AUDIT)
    with store.session() as session:
        study = session.get(Study, study_id)
        if study is None:
            raise StudyError("There is no such study.")
        key = truth_of(session, study_id)
        shown = select(Trial.item_id, Trial.position).join(Rater).where(Rater.study_id == study_id, ~Trial.practice)
        positions = defaultdict(list)
        for item, position in session.execute(shown):
            positions[item].append(position)
        items = _scored(session, study_id)
        rendering = Rendering.model_validate(study.rendering)
    truths = [key[item] for item in items]
    folder = store.folder(study_id)
    reading = traits.of_reading([folder / f"{item}.npy" for item in items])
    transport = {**traits.of_showings(positions, items), **reading, **(more or {})}
    return audit_items(folder, rendering, truths, more=transport, seed=seed)


def scored_items(store: Store, study_id: str) -> list[str]:
    """Ids of the items that count, in the order in which `audit_study` takes what its caller measured."""
    store.require(Operation.AUDIT)
    with store.session() as session:
        return _scored(session, study_id)


def _scored(session: Session, study_id: str) -> list[str]:
    scored = select(Item.id).where(Item.study_id == study_id, Item.feedback.is_(None)).order_by(Item.id)
    return list(session.scalars(scored))


def audit_items(
    folder: Path, rendering: Rendering, truths: Sequence[Truth], *, more: Groups | None = None, seed: int = 0
) -> Audit:
    """Audit payloads in a folder, one per row of the key."""
    paths = [folder / f"{truth.item_id}.npy" for truth in truths]
    codes = [rendering.read_codes(path) for path in paths]
    shape = rendering.shape
    transport = {**traits.of_files(paths, shape), **traits.of_codes(codes, rendering), **(more or {})}
    return audit(
        transport,
        traits.of_content(codes, rendering),
        np.array([truth.synthetic for truth in truths]),
        strata=[truth.stratum for truth in truths],
        seed=seed,
    )


def secrets_of(store: Store, study_id: str) -> tuple[str, ...]:
    """What no message to a rater may hold: the title, generators, subjects and classes."""
    store.require(Operation.AUDIT)
    with store.session() as session:
        study = session.get(Study, study_id)
        if study is None:
            raise StudyError("There is no such study.")
        key = truth_of(session, study_id).values()
        words = {str(study.protocol["title"]), *(row.source for row in key)}
        words |= {name for row in key for name in row.stratum.split("+")}
    return tuple(sorted(word for word in words if len(word) >= SHORTEST))


def search_traffic(traffic: bytes, secrets: Sequence[str]) -> list[Found]:
    """The secrets that stand in recorded traffic: as text of any case, in UTF-16, hexadecimal, base64 or an address."""
    text = traffic.lower()
    found = []
    for secret in secrets:
        plain = secret.lower().encode()
        for form, content in (
            ("text", plain),
            ("UTF-16", secret.lower().encode("utf-16-le")),
            ("hexadecimal", secret.encode().hex().encode()),
            ("an address", quote(secret).lower().encode()),
        ):
            if content in text:
                found.append(Found(secret, form))
                break
        else:
            if any(part in traffic for part in _base64(secret.encode())):
                found.append(Found(secret, "base64"))
    return found


def _base64(secret: bytes) -> list[bytes]:
    """The middle of the base64 of a text, for each of the three places that it may begin at."""
    return [base64.b64encode(b"\0" * lead + secret)[4 if lead else 0 :].rstrip(b"=")[:-1] for lead in range(3)]
