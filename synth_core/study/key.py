"""The truth of a study: which item is synthetic. Only its making and its results import this module."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from synth_core.study.log import digest
from synth_core.study.tables import Base, Item, Order, Study


class Truth(Base):
    """The sealed side of one item."""

    __tablename__ = "key"

    item_id: Mapped[str] = mapped_column(String(32), ForeignKey("items.id"), primary_key=True)
    synthetic: Mapped[bool]
    stratum: Mapped[str] = mapped_column(Text)  # the item's classes, joined by "+"
    source: Mapped[str] = mapped_column(Text)  # the subject of a real item, the generator of a synthetic one


def truth_of(session: Session, study_id: str) -> dict[str, Truth]:
    """Item id → truth, over all items of a study."""
    rows = session.scalars(select(Truth).join(Item, Item.id == Truth.item_id).where(Item.study_id == study_id))
    return {row.item_id: row for row in rows}


def seal(protocol: dict[str, Any], rendering: dict[str, Any], items: Sequence[Item], key: Sequence[Truth]) -> str:
    """SHA-256 over the protocol, the rendering, every payload's digest and the key: changes when any of them does.

    Its only use is to show that nothing was changed between the lock, before the first answer, and the unblinding.
    """
    content = {
        "protocol": protocol,
        "rendering": rendering,
        "items": sorted((item.id, item.digest, item.feedback) for item in items),
        "key": sorted((row.item_id, row.synthetic, row.stratum, row.source) for row in key),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def locked(study: Study, order: Order, items: Sequence[Item], key: Sequence[Truth]) -> dict[str, Any]:
    """What the log says of a lock: digests of each part apart, so that a later change can be named."""
    return {
        "seal": study.seal,
        "protocol": digest(study.protocol),
        "rendering": digest(study.rendering),
        "plan": digest(study.plan),
        "order": digest(order.seed),
        "items": {item.id: [item.digest, item.feedback] for item in items},
        "key": digest(sorted([row.item_id, row.synthetic, row.stratum, row.source] for row in key)),
    }
