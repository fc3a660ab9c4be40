"""What the log says of each change: enough to make the tables anew from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synth_core.study.tables import Answer, Invitation, Rater, Trial


def invited(invitations: Sequence[Invitation]) -> dict[str, Any]:
    """Of invitations made together."""
    return {"invitations": [[one.id, one.digest] for one in invitations], "note": invitations[0].note}


def joined(rater: Rater, trials: Sequence[Trial], invitation: int | None) -> dict[str, Any]:
    """Of a rater who joined, with the order of items and the invitation that was used up."""
    return {
        "rater": rater.id,
        "invitation": invitation,
        "token": rater.token,
        "name": rater.name,
        "specialty": rater.specialty,
        "years": rater.years,
        "trials": [[t.id, t.position, t.token, t.item_id, t.practice, t.repeat] for t in trials],
    }


def answered(answer: Answer) -> dict[str, Any]:
    """Of an answer."""
    return {
        "answer": answer.id,
        "trial": answer.trial_id,
        "value": answer.value,
        "shown_ms": answer.shown_ms,
        "hidden_ms": answer.hidden_ms,
        "choices": answer.choices,
    }
