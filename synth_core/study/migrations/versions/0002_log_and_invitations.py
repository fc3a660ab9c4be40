"""The log, single-use invitations, secret orders, hashed participation codes, folded names, hidden time."""

import hashlib
import secrets
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("studies", sa.Column("locked_at", sa.DateTime))
    op.add_column("studies", sa.Column("plan", sa.JSON))
    op.execute("UPDATE studies SET locked_at = created_at")
    op.create_table(
        "orders",
        sa.Column("study_id", sa.String(32), sa.ForeignKey("studies.id"), primary_key=True),
        sa.Column("seed", sa.BigInteger, nullable=False),
    )
    op.add_column("raters", sa.Column("folded", sa.Text, nullable=False, server_default=""))
    op.execute("ALTER TABLE answers RENAME COLUMN milliseconds TO shown_ms")  # a rename that SQLite does in place
    op.add_column("answers", sa.Column("hidden_ms", sa.Integer))
    op.add_column("answers", sa.Column("choices", sa.JSON))
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.String(32), sa.ForeignKey("studies.id"), nullable=False, index=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
        sa.Column("rater_id", sa.Integer, sa.ForeignKey("raters.id")),
    )
    op.create_table(
        "log",
        sa.Column("study_id", sa.String(32), sa.ForeignKey("studies.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
    )
    _draw_orders()
    _fold_and_hash()
    op.create_index("one_rater_per_name", "raters", ["study_id", "folded"], unique=True)


def _draw_orders() -> None:
    """Raters who join from now on get orders that nobody can foresee; those who joined keep theirs."""
    connection = op.get_bind()
    for (study,) in connection.execute(sa.text("SELECT id FROM studies")).all():
        values = {"study": study, "seed": secrets.randbits(63)}
        connection.execute(sa.text("INSERT INTO orders (study_id, seed) VALUES (:study, :seed)"), values)


def _fold_and_hash() -> None:
    """Names that are one when folded stay two raters, since both have answered; codes are kept as hashes."""
    connection = op.get_bind()
    taken: set[tuple[str, str]] = set()
    rows = connection.execute(sa.text("SELECT id, study_id, name, token FROM raters ORDER BY id")).all()
    for number, study, name, token in rows:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        if (study, folded) in taken:
            folded = f"{folded}\n{number}"  # no name holds a line break
        taken.add((study, folded))
        values = {"folded": folded, "token": hashlib.sha256(token.encode()).hexdigest()[:32], "id": number}
        connection.execute(sa.text("UPDATE raters SET folded = :folded, token = :token WHERE id = :id"), values)
