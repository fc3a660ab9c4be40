"""Who may do what with a study: asked where the data are, so that no address or page leads around it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from synth_core.errors import StudyError


class Role(StrEnum):
    """What a person is to a study."""

    OWNER = "owner"
    ANALYST = "analyst"
    RATER = "rater"


class Operation(StrEnum):
    """What can be done beyond answering, in words that end "You may not …"."""

    LIST = "see the studies"
    MAKE = "make or lock a study"
    INVITE = "invite raters"
    WATCH = "see who takes part"
    AMEND = "amend a study"
    UNBLIND = "close and unblind a study"
    READ = "see results"
    EXPORT = "export a study"
    VERIFY = "verify a study"
    AUDIT = "audit the blinding of a study"


_ANALYST = frozenset({Operation.LIST, Operation.WATCH, Operation.READ, Operation.EXPORT, Operation.VERIFY})
ALLOWED: dict[Role, frozenset[Operation]] = {
    Role.OWNER: frozenset(Operation),
    Role.ANALYST: _ANALYST,
    Role.RATER: frozenset(),  # a rater acts through a participation code alone
}


@dataclass(frozen=True)
class Principal:
    """On whose behalf the store is asked."""

    role: Role


OWNER = Principal(Role.OWNER)


def require(principal: Principal | None, operation: Operation) -> None:
    """Nothing where it is allowed; nobody in particular may do nothing.

    Raises
    ------
    StudyError : when this principal may not.
    """
    if principal is None or operation not in ALLOWED[principal.role]:
        raise StudyError(f"You may not {operation} here; only those who run it may.")
