"""One invitation, one rater; one name, one rater."""

from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select

from synth_core.errors import StudyError
from synth_core.study.design import create_study, lock_study
from synth_core.study.invitations import invitations, invite
from synth_core.study.profile import Profile
from synth_core.study.protocol import StudyProtocol
from synth_core.study.results import unblind
from synth_core.study.store import Store
from synth_core.study.tables import Order, Trial
from synth_core.study.verification import verify
from tests.study.conftest import NOW, batch, joined, owned


def test_an_invitation_admits_once(store: Store, study: str) -> None:
    first, second = invite(store, study, 2, " ward 3 ", now=NOW)
    assert store.invited(first).id == study
    store.join(first, Profile("Ada", "", 1), NOW)
    for refused in (lambda: store.invited(first), lambda: store.join(first, Profile("Eve", "", 1), NOW)):
        with pytest.raises(StudyError, match="used already"):
            refused()
    assert [(place.number, place.note, place.rater) for place in invitations(store, study)] == [
        (1, "ward 3", "Ada"),
        (2, "ward 3", None),
    ]
    assert store.invited(second).id == study


def test_a_name_that_is_taken_does_not_use_an_invitation_up(store: Store, study: str, rater: str) -> None:
    (token,) = invite(store, study, 1, now=NOW)
    with pytest.raises(StudyError, match="takes part already"):
        store.join(token, Profile("ada", "", 1), NOW)
    store.join(token, Profile("Bob", "", 1), NOW)


def test_the_id_of_a_study_and_guesses_admit_nobody(store: Store, study: str) -> None:
    for token in (study, "", "x", "\ud800"):
        with pytest.raises(StudyError, match="not known here"):
            store.join(token, Profile("Eve", "", 1), NOW)


def test_tokens_and_codes_are_not_in_the_database(tmp_path: Path) -> None:
    store = owned(f"sqlite:///{tmp_path}/study.db", tmp_path / "items")
    study = create_study(
        store, StudyProtocol(title="Kept", per_side=2, practice=0), batch(2), batch(2), source="g", now=NOW
    )
    (token,) = invite(store, study, 1, now=NOW)
    code = store.join(token, Profile("Ada", "", 1), NOW)
    content = b"".join(path.read_bytes() for path in tmp_path.glob("study.*"))
    assert b"Ada" in content
    assert token.encode() not in content
    assert code.encode() not in content


def test_of_many_who_join_by_one_invitation_at_once_one_is_admitted(tmp_path: Path) -> None:
    store = owned(f"sqlite:///{tmp_path}/study.db", tmp_path / "items")
    study = create_study(
        store, StudyProtocol(title="Crowd", per_side=2, practice=0), batch(2), batch(2), source="g", now=NOW
    )
    (token,) = invite(store, study, 1, now=NOW)
    refused: list[str] = []

    def join(name: str) -> None:
        try:
            store.join(token, Profile(name, "", 1), NOW)
        except StudyError as error:
            refused.append(str(error))

    threads = [Thread(target=join, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert len(store.progress(study)) == 1
    assert verify(store, study).intact


def test_only_an_open_study_has_places(store: Store, study: str) -> None:
    protocol = StudyProtocol(title="Draft", per_side=2, practice=0)
    draft = create_study(store, protocol, batch(2), batch(2), source="g", now=NOW, lock=False)
    with pytest.raises(StudyError, match="not locked"):
        invite(store, draft, 1, now=NOW)
    lock_study(store, draft, NOW)
    (late,) = invite(store, draft, 1, now=NOW)
    with pytest.raises(StudyError, match="locked already"):
        lock_study(store, draft, NOW)
    unblind(store, draft, "done", NOW)
    for refused in (lambda: invite(store, draft, 1, now=NOW), lambda: store.join(late, Profile("Eve", "", 1), NOW)):
        with pytest.raises(StudyError, match="closed"):
            refused()
    for n in (0, 201):
        with pytest.raises(StudyError, match="From 1 to 200"):
            invite(store, study, n, now=NOW)


@pytest.mark.parametrize("name", ["ada", " ADA ", "Ａｄａ", "Ada\u00a0", "\u1d2cda"])
def test_names_that_look_the_same_are_one(store: Store, study: str, rater: str, name: str) -> None:
    with pytest.raises(StudyError, match="takes part already"):
        joined(store, study, name)


@pytest.mark.parametrize(
    "name",
    ["A\u200bda", "\u202eadA", "Ada\u2060", "A\x00da", "Ada\u3164", "A\ufe0fda", "\u2800", "\ud800", "Аda", "Aδa",
     "a" * 81, "", " ", "=", "--"],
)  # fmt: skip
def test_names_that_hide_something_are_refused(name: str) -> None:
    with pytest.raises(StudyError):
        Profile(name, "", 1)
    if name.strip(" =-"):
        with pytest.raises(StudyError, match="specialty"):
            Profile("Ada", name, 1)


@pytest.mark.parametrize("name", ["Zoë", "Анна", "王秀英", "O’Neil-Smith 2", "José María", "Ωμέγα", "محمد"])
def test_names_of_all_scripts_are_taken(name: str) -> None:
    assert Profile(name, "", 1).name


def order(store: Store, study: str) -> list[str]:
    with store.session() as session:
        items = {
            item: str(number) for number, item in enumerate(sorted(path.stem for path in store.folder(study).iterdir()))
        }
        return [items[item] for item in session.scalars(select(Trial.item_id).order_by(Trial.id))]


def test_orders_come_from_a_secret_seed_unless_one_is_given(tmp_path: Path) -> None:
    seeds = []
    for number, given in enumerate((None, None, 7, 7)):
        store = owned("sqlite://", tmp_path / str(number))
        protocol = StudyProtocol(title="Order", per_side=20, practice=0, seed=given)
        create_study(store, protocol, batch(20), batch(20), source="g", now=NOW)
        with store.session() as session:
            seeds.append(session.scalars(select(Order.seed)).one())
    assert seeds[0] != seeds[1]
    assert min(seeds[:2]) > 2**40  # a smaller one has a probability of 1e-7
    assert seeds[2:] == [7, 7]


def test_each_rater_has_another_order(store: Store, study: str) -> None:
    joined(store, study, "Ada")
    joined(store, study, "Bob")
    shown = order(store, study)
    assert sorted(shown[:17]) != shown[:17]
    assert shown[:17] != shown[17:]
