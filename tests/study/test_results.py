import numpy as np
import pytest
from sqlalchemy import update

from synth_core.errors import StudyError
from synth_core.study import key
from synth_core.study.results import events, results, unblind
from synth_core.study.stats import mrmc_accuracy, proportion_interval
from synth_core.study.store import Store
from synth_core.study.tables import Item, Trial
from tests.study.conftest import NOW, joined


def rate(store: Store, study: str, name: str, right: int, wrong: int) -> None:
    """Answer everything; the first `right` scored items well, the next `wrong` badly, repeats always badly."""
    rater = joined(store, study, name, "cardiology", 5)
    with store.session() as session:
        truth = {item: row.synthetic for item, row in key.truth_of(session, study).items()}
    done = 0
    while (task := store.task(rater)) is not None:
        with store.session() as session:
            trial = session.query(Trial).filter_by(token=task.token).one()
        good = not trial.repeat and done < right
        done += not (trial.practice or trial.repeat)
        store.answer(rater, task.token, 6 if truth[trial.item_id] == good else 1, 500, NOW)
    assert done == right + wrong


def test_results_need_a_reason_and_a_closed_study(store: Store, study: str) -> None:
    with pytest.raises(StudyError, match="only after"):
        results(store, study)
    with pytest.raises(StudyError, match="reason"):
        unblind(store, study, "  ", NOW)
    unblind(store, study, "all done", NOW)
    with pytest.raises(StudyError, match="closed already"):
        unblind(store, study, "again", NOW)
    with pytest.raises(StudyError, match="Nobody"):
        results(store, study)
    assert [(kind, why) for _, kind, why in events(store, study)] == [("locked", "made"), ("unblinded", "all done")]


def test_accuracy_counts_first_scored_answers_only(store: Store, study: str) -> None:
    rate(store, study, "Ada", 12, 0)
    rate(store, study, "Bob", 6, 6)
    unblind(store, study, "done", NOW)
    found = results(store, study)
    assert [(one.name, one.n, one.accuracy and one.accuracy.value) for one in found.raters] == [
        ("Ada", 12, 1.0),
        ("Bob", 12, 0.5),
    ]
    assert found.overall.n == 24
    assert found.overall.accuracy is not None
    assert found.overall.accuracy.value == 0.75
    assert found.overall.detection is None
    assert found.raters[0].auc is not None
    assert found.raters[0].auc.value == 1.0
    assert len(found.answers) == 2 * 17
    assert found.intact


def test_all_raters_together_count_raters_and_items_as_random(store: Store, study: str) -> None:
    for name, right in (("Ada", 9), ("Bob", 7), ("Cleo", 5)):
        rate(store, study, name, right, 12 - right)
    unblind(store, study, "done", NOW)
    found = results(store, study)
    scored = found.answers[~found.answers["practice"] & ~found.answers["repeat"]]
    table = scored.pivot(index="rater", columns="item", values="correct")
    kinds = [scored.loc[scored["item"] == item, "synthetic"].iloc[0] for item in table.columns]
    expected = mrmc_accuracy(table.to_numpy(dtype=float), strata=kinds)
    assert found.overall.accuracy == (expected.estimate, *expected.interval)
    assert found.overall.accuracy is not None
    assert found.overall.accuracy.high - found.overall.accuracy.low > 1.1 * np.ptp(proportion_interval(21, 36))
    areas = [one.auc.value for one in found.raters if one.auc is not None]
    assert found.overall.auc is not None
    assert found.overall.auc.value == pytest.approx(np.mean(areas))
    assert "others like these" in found.note


def test_one_rater_is_not_taken_for_others(store: Store, study: str) -> None:
    rate(store, study, "Ada", 8, 4)
    unblind(store, study, "done", NOW)
    found = results(store, study)
    assert found.overall.accuracy == found.raters[0].accuracy
    assert found.overall.detection is None
    assert "nothing about others" in found.note


def test_a_closed_study_takes_no_answers_and_no_raters(store: Store, study: str, rater: str) -> None:
    task = store.task(rater)
    assert task is not None
    unblind(store, study, "done", NOW)
    for refused in (
        lambda: store.answer(rater, task.token, 1, 1, NOW),
        lambda: joined(store, study, "Eve"),
        lambda: store.undo(rater, NOW),
    ):
        with pytest.raises(StudyError, match="closed"):
            refused()


def test_a_rater_without_answers_has_no_numbers(store: Store, study: str, rater: str) -> None:
    rate(store, study, "Bob", 6, 6)
    unblind(store, study, "done", NOW)
    ada = results(store, study).raters[0]
    assert (ada.n, ada.accuracy, ada.detection, ada.auc) == (0, None, None, None)


def test_changing_the_key_or_an_item_breaks_the_seal(store: Store, study: str) -> None:
    rate(store, study, "Ada", 6, 6)
    unblind(store, study, "done", NOW)
    with store.session() as session:
        session.execute(update(key.Truth).values(stratum="other"))
    assert not results(store, study).intact


def test_changing_a_payload_breaks_the_seal(store: Store, study: str) -> None:
    rate(store, study, "Ada", 6, 6)
    unblind(store, study, "done", NOW)
    next(store.folder(study).iterdir()).write_bytes(b"other")
    assert not results(store, study).intact


def test_practice_items_carry_their_feedback_and_scored_ones_none(store: Store, study: str) -> None:
    with store.session() as session:
        told = sorted(item.feedback or "" for item in session.query(Item))
    assert told == [""] * 12 + ["real", "synthetic"]
