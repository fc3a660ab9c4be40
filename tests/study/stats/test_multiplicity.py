import numpy as np
import pytest

from synth_core.study.stats import adjust

# Benjamini and Hochberg 1995, section 4: 15 tests of a trial; at 0.05 their procedure rejects four, Bonferroni's three.
TRIAL = np.array(
    [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1]
)


def test_the_trial_of_benjamini_and_hochberg() -> None:
    assert (adjust(TRIAL, "bh") <= 0.05).sum() == 4
    assert (adjust(TRIAL, "bonferroni") <= 0.05).sum() == 3
    assert (adjust(TRIAL, "holm") <= 0.05).sum() == 3
    assert adjust(TRIAL, "benjamini-hochberg")[3] == pytest.approx(0.0095 * 15 / 4)
    assert adjust(TRIAL, "holm")[:4] == pytest.approx([0.0001 * 15, 0.0004 * 14, 0.0019 * 13, 0.0095 * 12])


def test_order_does_not_matter_and_values_never_fall() -> None:
    shuffled = np.random.default_rng(0).permutation(15)
    for method in ("holm", "bh", "bonferroni"):
        adjusted = adjust(TRIAL, method)
        assert adjust(TRIAL[shuffled], method) == pytest.approx(adjusted[shuffled])
        assert (np.diff(adjusted) >= 0).all()
        assert (adjusted >= TRIAL).all()
        assert adjusted.max() <= 1


def test_holm_steps_by_hand() -> None:
    """0.01 · 3, then 0.02 · 2 = 0.04, then 0.03 · 1, raised to 0.04."""
    assert adjust([0.03, 0.01, 0.02], "holm") == pytest.approx([0.04, 0.03, 0.04])


def test_a_test_that_was_not_made_does_not_count() -> None:
    assert adjust([0.02, np.nan, 0.03], "bonferroni") == pytest.approx([0.04, np.nan, 0.06], nan_ok=True)
    assert np.isnan(adjust([np.nan])).all()
    assert adjust([], "bh").shape == (0,)


def test_what_is_no_p_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust([0.2, 1.2])
    with pytest.raises(ValueError, match="one of holm"):
        adjust([0.2], "hommel")
