import numpy as np
import pytest

from synth_core.errors import SpecMismatch
from synth_core.leads import TWELVE_LEADS, lead_matrix
from synth_core.metrics import einthoven_residual, lead_reversal_score
from synth_core.simulate import ecg_cohort

TO_INDEPENDENT = [TWELVE_LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]


@pytest.fixture(scope="module")
def ecgs() -> np.ndarray:
    return np.stack([recording.read() for recording in ecg_cohort(20, seed=3, seconds=10)]).astype(float)


def recorded(x: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Twelve leads after the independent eight were changed by an (8, 8) matrix."""
    return lead_matrix(TWELVE_LEADS).astype(float) @ (change @ x[:, TO_INDEPENDENT])


def exchanged(kind: str) -> np.ndarray:
    change = np.eye(8)
    if kind == "arms":  # I changes its sign, II becomes III
        change[:2, :2] = [[-1, 0], [-1, 1]]
    if kind == "right arm and leg":
        change[:2, :2] = [[1, -1], [0, -1]]
    if kind == "chest":
        change[2:] = change[:1:-1]
    return change


def test_real_relations_leave_nothing_and_a_scaled_lead_its_excess(ecgs):
    x = recorded(ecgs, np.eye(8))
    assert einthoven_residual(x, TWELVE_LEADS).max() < 1e-6
    x[:, 2] *= 1.5
    ratio = np.sqrt(((x[:, 2] / 3) ** 2).mean(-1) / (x[:, 1] ** 2).mean(-1))
    np.testing.assert_allclose(einthoven_residual(x, TWELVE_LEADS), ratio, rtol=1e-4)


def test_lost_voltage_between_limbs_is_seen_in_the_augmented_leads_too(ecgs):
    x = recorded(ecgs, np.eye(8))
    x[:, TWELVE_LEADS.index("aVL")] = 0
    assert einthoven_residual(x, TWELVE_LEADS).min() > 0.1


def test_exchanged_arms_keep_every_relation_and_are_caught_by_polarity(ecgs):
    x, turned = recorded(ecgs, np.eye(8)), recorded(ecgs, exchanged("arms"))
    assert einthoven_residual(turned, TWELVE_LEADS).max() < 1e-5
    before, after = (lead_reversal_score(part, TWELVE_LEADS, rate=250) for part in (x, turned))
    assert np.median(before) < 0.2 < 0.8 < np.median(after)
    assert (after[:, None] > before).mean() > 0.9  # the AUC


@pytest.mark.parametrize("kind", ["right arm and leg", "chest"])
def test_other_exchanged_electrodes_are_caught_too(ecgs, kind):
    before, after = (
        lead_reversal_score(recorded(ecgs, change), TWELVE_LEADS, rate=250) for change in (np.eye(8), exchanged(kind))
    )
    assert (after[:, None] > before).mean() > 0.9


def test_six_limb_leads_are_enough(ecgs):
    before, after = (
        lead_reversal_score(recorded(ecgs, change)[:, :6], TWELVE_LEADS[:6], rate=250)
        for change in (np.eye(8), exchanged("arms"))
    )
    assert (after[:, None] > before).mean() > 0.85


def test_one_record_gives_one_number_and_flat_lines_none(ecgs):
    assert lead_reversal_score(ecgs[0], TWELVE_LEADS, rate=250).shape == ()
    assert np.isnan(lead_reversal_score(np.zeros((2, 12, 1000)), TWELVE_LEADS, rate=100)).all()
    assert np.isnan(einthoven_residual(np.zeros((2, 12, 1000)), TWELVE_LEADS)).all()


@pytest.mark.parametrize("leads", [("II", "V1"), ("I", "II", "III")])
def test_leads_that_do_not_fit_are_named(leads):
    with pytest.raises(SpecMismatch, match="leads"):
        einthoven_residual(np.zeros((2, 1000)), leads)
