"""The truth of a study: which item is synthetic. Only `design` and `results` import this module."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from synth_core.study.tables import Base, Item


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
