import numpy as np
import pytest

from synth_core.study.stats import icc

# Shrout and Fleiss 1979, Table 2: four judges × six targets. Their Table 4 has the six coefficients.
SHROUT_FLEISS = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]], dtype=float)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("ICC(1,1)", 0.17),
        ("ICC(2,1)", 0.29),
        ("ICC(3,1)", 0.71),
        ("ICC(1,k)", 0.44),
        ("ICC(2,k)", 0.62),
        ("ICC(3,k)", 0.91),
        ("ICC(2,4)", 0.62),
        ("icc2", 0.29),
        ("ICC3k", 0.91),
        ("2,1", 0.29),
    ],
)
def test_the_six_coefficients_of_shrout_and_fleiss(kind: str, value: float) -> None:
    assert icc(SHROUT_FLEISS, kind) == pytest.approx(value, abs=5e-3)


def test_a_constant_difference_between_raters_counts_unless_they_stand_for_themselves() -> None:
    shifted = np.array([[1, 2, 3, 4], [3, 4, 5, 6]])
    assert icc(shifted, "ICC(3,1)") == pytest.approx(1)
    assert icc(shifted, "ICC(2,1)") < 0.5


def test_items_that_not_all_have_rated_are_left_out() -> None:
    wider = np.concatenate([SHROUT_FLEISS, [[1], [np.nan], [2], [3]]], axis=1)
    assert icc(wider) == pytest.approx(icc(SHROUT_FLEISS))


def test_where_nothing_can_be_said() -> None:
    assert np.isnan(icc(SHROUT_FLEISS[:1]))
    assert np.isnan(icc(SHROUT_FLEISS[:, :1]))
    assert all(np.isnan(icc(np.full((3, 4), 2.3), kind)) for kind in ("ICC(1,1)", "ICC(2,1)", "ICC(3,k)"))


def test_other_kinds_are_refused() -> None:
    for kind in ("ICC(4,1)", "ICC(2,7)", "two"):
        with pytest.raises(ValueError, match="The kind is"):
            icc(SHROUT_FLEISS, kind)
