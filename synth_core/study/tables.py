"""What the study database holds, as typed SQLAlchemy models. The truth is not here: see `key`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC, so that SQLite and PostgreSQL give back the same."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware → naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Naive UTC → aware."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Of every table of a study."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, datetime: UtcDateTime}  # noqa: RUF012


class Study(Base):
    """One study: its protocol, how its items were rendered, when it was locked and when it closed."""

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # random; names it to its owner, admits nobody
    protocol: Mapped[dict[str, Any]]
    rendering: Mapped[dict[str, Any]]
    seal: Mapped[str] = mapped_column(String(64))  # SHA-256 of protocol, rendering, payloads and key; "" for a draft
    created_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]  # nobody is invited before
    closed_at: Mapped[datetime | None]
    plan: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # which datasets, models and files its items are from


class Order(Base):
    """What the orders of a study are drawn from; it belongs to the sealed side and no rater's page reads it."""

    __tablename__ = "orders"

    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    seed: Mapped[int] = mapped_column(BigInteger)


class Item(Base):
    """One blinded payload. The id is random and is also the name of its file."""

    __tablename__ = "items"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the payload file
    feedback: Mapped[str | None] = mapped_column(String(16))  # of practice items only: what is told after the answer


class Invitation(Base):
    """A place in a study for one rater. Only a hash is kept: who reads the database cannot take part."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the token
    note: Mapped[str] = mapped_column(Text)  # for the owner: whom it was sent to
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    rater_id: Mapped[int | None] = mapped_column(ForeignKey("raters.id"))


class Rater(Base):
    """Someone who takes part. Of the participation code, which lets them come back, only a hash is kept."""

    __tablename__ = "raters"
    __table_args__ = (
        UniqueConstraint("study_id", "name"),
        Index("one_rater_per_name", "study_id", "folded", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)  # first half of the SHA-256 of the code
    name: Mapped[str] = mapped_column(String(80))
    folded: Mapped[str] = mapped_column(Text)  # the name as it is compared: "Anna" and "ANNA" are one
    specialty: Mapped[str] = mapped_column(String(80))
    years: Mapped[int]
    joined_at: Mapped[datetime]  # joining is consenting: the form asks for it


class Trial(Base):
    """One showing of an item to a rater. The token is random per rater, so two raters cannot compare items by it."""

    __tablename__ = "trials"
    __table_args__ = (UniqueConstraint("rater_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("raters.id"), index=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("items.id"))
    token: Mapped[str] = mapped_column(String(32), unique=True)
    position: Mapped[int]  # 0, 1, …
    practice: Mapped[bool]
    repeat: Mapped[bool]  # the item was shown to this rater before


class Answer(Base):
    """One answer. Rows are only added; an answer taken back keeps its row, with `undone_at` set."""

    __tablename__ = "answers"
    __table_args__ = (
        Index(
            "one_answer_per_trial",
            "trial_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("trials.id"), index=True)
    value: Mapped[int]  # 1 = certainly real … steps = certainly synthetic
    shown_ms: Mapped[int]  # in the browser, from the item's first frame to the answer, hidden time left out
    hidden_ms: Mapped[int | None]  # how long the item was in a hidden tab or window; unknown before version 2
    choices: Mapped[list[Any] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # [shown_ms, value] of each choice, the last one stood
    answered_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class Event(Base):
    """What the owner did to a study, with the reason given."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))  # "locked" | "amended" | "unblinded"
    reason: Mapped[str] = mapped_column(Text)


class LogEntry(Base):
    """One change of a study. Each entry carries the mark of the one before, so that none can be changed or left out."""

    __tablename__ = "log"

    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, … within the study
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    content: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    mark: Mapped[str] = mapped_column(String(64))  # HMAC-SHA256, with a key that is kept outside the database
