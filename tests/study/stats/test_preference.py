import numpy as np
import pytest
from scipy.special import expit

from synth_core.study.stats import bradley_terry

# Agresti 2002, Categorical Data Analysis, Table 10.10: the 1987 season of Milwaukee, Detroit, Toronto, New York,
# Boston, Cleveland and Baltimore, wins of the row over the column, home and away together.
BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)


def test_abilities_of_the_baseball_teams() -> None:
    """Table 10.11 as BradleyTerry2 tests it: 1.58, 1.44, 1.29, 1.25, 1.11, 0.68 above Baltimore, errors about 0.3."""
    found = bradley_terry(BASEBALL)
    assert found.ability - found.ability[-1] == pytest.approx([1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0], abs=5e-3)
    c = found.covariance
    above = np.sqrt(np.diag(c)[:-1] + c[-1, -1] - 2 * c[:-1, -1])
    assert np.round(above, 1) == pytest.approx(np.full(6, 0.3))
    assert found.ability.sum() == pytest.approx(0, abs=1e-12)
    assert found.worth.sum() == pytest.approx(1)
    assert found.error == pytest.approx(np.sqrt(np.diag(c)))


def test_expected_wins_are_those_observed() -> None:
    ability = bradley_terry(BASEBALL).ability
    won = ((BASEBALL + BASEBALL.T) * expit(np.subtract.outer(ability, ability))).sum(axis=1)
    assert won == pytest.approx(BASEBALL.sum(axis=1))


def test_two_things_are_their_log_odds() -> None:
    ability, error, worth, _ = bradley_terry([[0, 30], [10, 0]])
    assert ability[0] - ability[1] == pytest.approx(np.log(3))
    assert worth == pytest.approx([0.75, 0.25])
    assert error == pytest.approx(np.full(2, np.sqrt(1 / 30 + 1 / 10) / 2))


def test_ties_are_half_a_win_each_and_not_all_pairs_need_to_meet() -> None:
    ability, *_ = bradley_terry([[0, 5.5, 0], [5.5, 0, 8], [0, 2, 0]])
    assert ability[0] == pytest.approx(ability[1])
    assert ability[1] - ability[2] == pytest.approx(np.log(4))


def test_a_strong_favourite_is_found_without_leaps() -> None:
    ability, *_ = bradley_terry([[0, 10**6, 10**6], [1, 0, 5], [1, 5, 0]])
    assert ability[0] - ability[1] == pytest.approx(np.log(10**6), rel=1e-6)


def test_what_has_no_finite_strengths_is_refused() -> None:
    with pytest.raises(ValueError, match="links 2 groups"):
        bradley_terry([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    with pytest.raises(ValueError, match="ever chosen over 2 "):
        bradley_terry([[0, 1, 0], [1, 0, 0], [3, 2, 0]])
    with pytest.raises(ValueError, match="square"):
        bradley_terry([[0, 1, 2], [1, 0, 2]])
    with pytest.raises(ValueError, match="compared with itself"):
        bradley_terry([[1, 1], [1, 0]])
