import numpy as np
import pytest
from dtaidistance import dtw as reference
from dtaidistance import dtw_ndim

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import dtw, nearest_neighbour_dtw, warping


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("n", "m", "window"), [(50, 50, None), (40, 61, None), (50, 50, 6), (40, 60, 5), (60, 40, 7)])
def test_warping_agrees_with_dtaidistance(rng, n, m, window):
    a, b = rng.normal(size=n), rng.normal(size=m)
    assert dtw(a, b, window) == pytest.approx(reference.distance(a, b, window=window))


def test_channels_are_warped_together(rng):
    a, b = rng.normal(size=(2, 3, 50))
    assert dtw(a, b, 8) == pytest.approx(dtw_ndim.distance(a.T.copy(), b.T.copy(), window=8))
    assert dtw(a, b) >= np.sqrt(sum(dtw(x, y) ** 2 for x, y in zip(a, b, strict=True)))


def test_no_window_is_euclidean_and_a_share_is_of_the_length(rng):
    a, b = rng.normal(size=(2, 50))
    assert dtw(a, b, 1) == pytest.approx(np.linalg.norm(a - b))
    assert dtw(a, b, 0.2) == dtw(a, b, 10)
    assert dtw(a, a) == 0


@pytest.mark.parametrize("kind", ["noise", "walk"])
def test_the_nearest_neighbour_is_the_one_that_all_pairs_give(rng, kind):
    x, y = rng.normal(size=(2, 20, 2, 40)) if kind == "noise" else rng.normal(size=(2, 20, 2, 40)).cumsum(-1)
    every = [min(dtw(made, real, 0.1) for real in x) for made in y]
    np.testing.assert_allclose(nearest_neighbour_dtw(x, y), every)


def test_the_order_of_the_examples_does_not_matter(rng):
    x, y = rng.normal(size=(2, 30, 40))
    shuffled = nearest_neighbour_dtw(x[::-1], y)  # TSGBench compares the i-th real with the i-th synthetic signal
    np.testing.assert_allclose(shuffled, nearest_neighbour_dtw(x, y))
    assert nearest_neighbour_dtw(x, x[::-1]).max() == 0


def test_the_bound_spares_most_pairs(rng, monkeypatch):
    warped, count = warping._warped, []
    monkeypatch.setattr(warping, "_warped", lambda a, b, band: count.append(len(a)) or warped(a, b, band))
    levels = 5 * rng.normal(size=(2, 100, 1))
    nearest_neighbour_dtw(*(levels + rng.normal(size=(2, 100, 50))))
    assert sum(count) < 0.4 * 100 * 100


def test_shapes_that_do_not_fit_and_negative_windows_are_refused(rng):
    with pytest.raises(SpecMismatch, match=r"\(2, 5\), \(3, 5\)"):
        dtw(np.ones((2, 5)), np.ones((3, 5)))
    with pytest.raises(InvalidSetting, match="-1"):
        dtw(np.ones(5), np.ones(5), -1)
