from pathlib import Path

import numpy as np
import pytest

from synth_core.study.stats import auc, obuchowski_rockette

# Van Dyke et al. 1993, the data on which the methods were published: 5 readers × 114 cases (69 without and 45 with a
# dissection), one row a reader, first of the modality "trt0", then of "trt1". Published results are those of RJafroc
# (Chakraborty, RJafroc book, "Obuchowski Rockette Applications", dataset02) and MRMCaov (README), both jackknifed.
ROWS = (Path(__file__).parent / "van_dyke.txt").read_text(encoding="ascii").split()
SCORES = np.array([[float(one) for one in row] for row in ROWS]).reshape(2, 5, 114)
TRUTH = np.arange(114) >= 69


def test_areas_of_van_dyke() -> None:
    areas = obuchowski_rockette(SCORES, TRUTH).areas
    assert areas[0] == pytest.approx([0.9196, 0.8588, 0.9039, 0.9731, 0.8298], abs=6e-5)
    assert areas[1] == pytest.approx([0.9478, 0.9053, 0.9217, 0.9994, 0.9300], abs=6e-5)


def test_error_terms_of_van_dyke() -> None:
    terms = obuchowski_rockette(SCORES, TRUTH, "jackknife").terms
    assert terms.reader == pytest.approx(0.003836, abs=6e-7)
    assert terms.modality == pytest.approx(0.004796171, abs=6e-10)
    assert terms.interaction == pytest.approx(0.0005510306, abs=6e-11)
    assert terms.variance == pytest.approx(0.0008022883, abs=6e-11)
    assert terms.cov1 == pytest.approx(0.0003466137, abs=6e-11)
    assert terms.cov2 == pytest.approx(0.0003440748, abs=6e-11)
    assert terms.cov3 == pytest.approx(0.0002390284, abs=6e-11)


def test_difference_between_the_modalities_of_van_dyke() -> None:
    found = obuchowski_rockette(SCORES, TRUTH, "jackknife")
    assert found.estimate == pytest.approx(-0.0438, abs=6e-5)
    assert (found.estimate / found.error) ** 2 == pytest.approx(4.456, abs=6e-4)
    assert found.df == pytest.approx(15.26, abs=6e-3)
    assert found.p == pytest.approx(0.05167, abs=6e-6)
    assert found.interval == pytest.approx((-0.0879595, 0.0003589), abs=6e-8)


@pytest.mark.parametrize(
    ("modality", "estimate", "error", "df", "interval", "cov2"),
    [
        (0, 0.8970, 0.03317, 12.74, (0.8252, 0.9689), 0.0004840),
        (1, 0.9408, 0.02157, 12.71, (0.8941, 0.9875), 0.0002042),
    ],
)
def test_each_modality_of_van_dyke(
    modality: int, estimate: float, error: float, df: float, interval: tuple[float, float], cov2: float
) -> None:
    found = obuchowski_rockette(SCORES[modality], TRUTH, "jackknife")
    assert found.estimate == pytest.approx(estimate, abs=6e-5)
    assert found.error == pytest.approx(error, abs=6e-6)
    assert found.df == pytest.approx(df, abs=6e-3)
    assert found.interval == pytest.approx(interval, abs=6e-5)
    assert found.terms.cov2 == pytest.approx(cov2, abs=6e-8)
    assert found.p < 1e-6


def test_delong_terms_are_those_of_single_areas_and_close_to_jackknifed_ones() -> None:
    delong, jackknife = (obuchowski_rockette(SCORES, TRUTH, method).terms for method in ("delong", "jackknife"))
    single = [auc(row, TRUTH).error ** 2 for modality in SCORES for row in modality]
    assert delong.variance == pytest.approx(np.mean(single))
    assert delong == pytest.approx(jackknife, rel=0.02)


def test_jackknifed_variance_equals_leaving_cases_out_one_by_one() -> None:
    areas = np.array([auc(np.delete(SCORES[0, 0], case), np.delete(TRUTH, case)).value for case in range(114)])
    expected = 113 / 114 * np.sum((areas - areas.mean()) ** 2)
    twice = obuchowski_rockette(SCORES[0, [0, 0]], TRUTH, "jackknife").terms
    assert twice.variance == pytest.approx(expected)
    assert twice.cov2 == pytest.approx(expected)


def study(rng: np.random.Generator, readers: int, cases: int, modalities: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Readers of different skill and cases of different difficulty, in ratings of six steps."""
    truth = np.arange(cases) % 2
    skill = 1 + 0.3 * rng.normal(size=(1, readers, 1))
    case = 0.7 * rng.normal(size=(1, 1, cases))
    scores = skill * truth + case + rng.normal(size=(modalities, readers, cases))
    return np.clip(np.round(scores * 1.5 + 3), 1, 6), truth


def test_intervals_cover_new_readers_and_cases() -> None:
    rng = np.random.default_rng(8)
    scores, truth = study(rng, 2000, 2000)
    expected = np.mean([auc(row, truth).value for row in scores[0, :200]])
    found = [obuchowski_rockette(*study(rng, 5, 60)).interval for _ in range(300)]
    assert 0.91 <= np.mean([low <= expected <= high for low, high in found]) <= 0.985
    same = [obuchowski_rockette(*study(rng, 4, 50, 2)).p <= 0.05 for _ in range(300)]
    assert np.mean(same) <= 0.085


def test_missing_cells_leave_the_rest_as_it_is() -> None:
    holed = SCORES.copy()
    holed[0, 0, ::7] = np.nan
    found, whole = obuchowski_rockette(holed, TRUTH), obuchowski_rockette(SCORES, TRUTH)
    seen = ~np.isnan(holed[0, 0])
    assert found.areas[0, 0] == pytest.approx(auc(holed[0, 0, seen], TRUTH[seen]).value)
    assert found.areas[1] == pytest.approx(whole.areas[1])
    assert found.terms == pytest.approx(whole.terms, rel=0.25)


def test_readers_who_share_no_case_have_no_covariance() -> None:
    scores = np.where(np.arange(114) % 2 == np.arange(2)[:, None], SCORES[0, :2], np.nan)
    assert obuchowski_rockette(scores, TRUTH).terms.cov2 == pytest.approx(0, abs=1e-15)


def test_one_reader_says_nothing_of_others() -> None:
    found = obuchowski_rockette(SCORES[0, :1], TRUTH)
    assert found.estimate == pytest.approx(0.9196, abs=6e-5)
    assert np.isnan([found.error, found.df, found.p]).all()
    assert found.interval == (0, 1)
    assert obuchowski_rockette(SCORES[:, :1], TRUTH).interval == (-1, 1)


def test_perfect_readers_have_no_error_but_an_honest_interval() -> None:
    found = obuchowski_rockette(np.tile(TRUTH, (4, 1)), TRUTH)
    assert (found.estimate, found.error, found.interval.high) == (1, 0, 1)
    assert found.interval.low == pytest.approx(0.025 ** (1 / 4))
    assert np.isnan(found.p)


def test_other_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="114 cases"):
        obuchowski_rockette(SCORES[..., :100], TRUTH)
    with pytest.raises(ValueError, match="114 cases"):
        obuchowski_rockette(np.concatenate([SCORES, SCORES]), TRUTH)
    with pytest.raises(ValueError, match="delong"):
        obuchowski_rockette(SCORES, TRUTH, "bootstrap")  # type: ignore[arg-type]
    holed = SCORES.copy()
    holed[0, 0, 69:] = np.nan
    with pytest.raises(ValueError, match="Each reader"):
        obuchowski_rockette(holed, TRUTH)
