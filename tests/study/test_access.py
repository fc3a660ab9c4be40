"""Who may do what: asked in the store, and refused to nobody in particular."""

from collections.abc import Callable
from pathlib import Path

import pytest

from synth_core.errors import StudyError
from synth_core.study import results
from synth_core.study.access import ALLOWED, OWNER, Operation, Principal, Role
from synth_core.study.design import create_study, lock_study
from synth_core.study.exports import export_study
from synth_core.study.invitations import invitations, invite
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Store
from synth_core.study.verification import verify
from tests.study.conftest import NOW, answer_all, batch

READING: dict[str, Callable[[Store, str, Path], object]] = {
    "studies": lambda store, study, _: store.studies(),
    "study": lambda store, study, _: store.study(study),
    "commitment": lambda store, study, _: store.commitment(study),
    "progress": lambda store, study, _: store.progress(study),
    "invitations": lambda store, study, _: invitations(store, study),
    "events": lambda store, study, _: results.events(store, study),
    "results": lambda store, study, _: results.results(store, study),
    "verify": lambda store, study, _: verify(store, study),
    "export": lambda store, study, folder: export_study(store, study, folder / "out"),
}
CHANGING: dict[str, Callable[[Store, str, Path], object]] = {
    "create": lambda store, _, __: create_study(
        store, StudyProtocol(title="New", per_side=2, practice=0), batch(2), batch(2), source="g", now=NOW
    ),
    "lock": lambda store, study, _: lock_study(store, study, NOW),
    "invite": lambda store, study, _: invite(store, study, 1, now=NOW),
    "amend": lambda store, study, _: results.amend(store, study, "x", NOW),
    "unblind": lambda store, study, _: results.unblind(store, study, "x", NOW),
}
REFUSED = "You may not"


@pytest.fixture
def closed(store: Store, study: str, rater: str) -> str:
    answer_all(store, rater)
    results.unblind(store, study, "done", NOW)
    return study


@pytest.mark.parametrize("name", [*READING, *CHANGING])
@pytest.mark.parametrize("principal", [None, Principal(Role.RATER)])
def test_nobody_and_raters_may_do_nothing_but_rate(
    name: str, principal: Principal | None, store: Store, closed: str, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=REFUSED):
        (READING | CHANGING)[name](store.acting(principal), closed, tmp_path)


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("role", [Role.OWNER, Role.ANALYST])
def test_owner_and_analyst_may_read(name: str, role: Role, store: Store, closed: str, tmp_path: Path) -> None:
    READING[name](store.acting(Principal(role)), closed, tmp_path)


@pytest.mark.parametrize("name", CHANGING)
def test_an_analyst_may_change_nothing(name: str, store: Store, study: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=REFUSED):
        CHANGING[name](store.acting(Principal(Role.ANALYST)), study, tmp_path)


def test_every_operation_is_the_owners_and_every_role_is_decided() -> None:
    assert ALLOWED[OWNER.role] == set(Operation)
    assert set(ALLOWED) == set(Role)


def test_acting_for_another_leaves_the_store_as_it_was(store: Store, study: str) -> None:
    with pytest.raises(StudyError, match=REFUSED):
        store.acting(None).studies()
    assert len(store.studies()) == 1


def test_raters_need_no_principal(store: Store, study: str, rater: str) -> None:
    alone = store.acting(None)
    task = alone.task(rater)
    assert task is not None
    alone.answer(rater, task.token, 1, 100, NOW)
    assert alone.study_of(rater).id == study
    assert alone.feedback(rater, task.token) in ("real", "synthetic")
