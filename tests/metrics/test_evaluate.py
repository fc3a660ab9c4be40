"""Each planted fault must move the measure that is there for it, against its floor; honest data must move none."""

import json
from dataclasses import replace

import pytest
import torch

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import ClassifierSettings
from synth_core.metrics.evaluate import evaluate
from synth_core.signal import filter_signal
from synth_core.types import Condition


def verdicts(report):
    return {measure.name: measure.verdict for measure in report.measures if measure.part == "all"}


@pytest.fixture(scope="module")
def honest(train, holdout, synthetic):
    return evaluate(train, holdout, synthetic, classifier=False)


def test_fresh_real_examples_are_as_real_as_real(honest):
    assert set(verdicts(honest).values()) <= {"as real", "near"}
    for name in ("log-spectral distance", "Fréchet distance", "amplitude distance", "coverage"):
        assert 0.4 < honest[name].ratio < 2.5
    assert honest["told apart (AUROC)"].value < 0.62
    assert 0.35 < honest["closer to training"].value < 0.65


def test_every_score_lies_within_its_interval_and_says_its_numbers(honest):
    for measure in honest.measures:
        score = measure.score
        assert score.low <= score.value <= score.high or measure.name == "told apart (AUROC)"
        assert measure.part != "all" or score.n_real == score.n_synthetic == 240


def test_amplitude_times_one_and_a_half_is_caught(train, holdout, synthetic):
    found = evaluate(train, holdout, replace(synthetic, values=1.5 * synthetic.values), classifier=False)
    assert found["log-spectral distance"].value == pytest.approx(3.5, abs=0.5)
    assert verdicts(found)["amplitude distance"] == "far"
    assert verdicts(found)["spectral Wasserstein"] != "far"


def test_a_dropped_band_is_caught_by_the_spectrum_and_not_by_the_amplitude(train, holdout, synthetic, honest):
    dull = torch.from_numpy(filter_signal(synthetic.values.numpy(), 128.0, lowpass=25)).float()
    found = evaluate(train, holdout, replace(synthetic, values=dull), classifier=False)
    assert found["log-spectral distance"].low > 5 * found["log-spectral distance"].floor
    assert found["amplitude distance"].value < 2 * honest["amplitude distance"].value
    assert found["told apart (AUROC)"].value > 0.9
    assert verdicts(found)["told apart (AUROC)"] == "far"


def test_collapse_is_caught_by_recall_and_coverage(train, holdout, synthetic):
    few = synthetic.select([0, 1, 2] * 80)
    noisy = replace(
        few, values=few.values + 0.01 * torch.randn(few.values.shape, generator=torch.Generator().manual_seed(0))
    )
    found = verdicts(evaluate(train, holdout, noisy, classifier=False))
    assert found["recall"] == found["coverage"] == "far"


def test_copies_are_caught_where_all_other_measures_are_content(train, holdout):
    copies = replace(train.select(list(reversed(range(240)))), subjects=None)
    found = evaluate(train, holdout, copies, classifier=False)
    assert found["closer to training"].value > 0.95
    assert verdicts(found)["closer to training"] == "far"
    assert verdicts(found)["log-spectral distance"] == "as real"
    assert {v.question: v.answer for v in found.verdicts}["safety"] == "no"


def test_a_real_set_is_refused_as_synthetic(train, holdout, synthetic):
    with pytest.raises(InvalidSetting, match="training examples themselves"):
        evaluate(train, holdout, replace(train, subjects=None), classifier=False)
    shuffled = torch.randperm(240, generator=torch.Generator().manual_seed(0)).tolist()
    with pytest.raises(InvalidSetting, match="240 of 240 held-out examples"):
        evaluate(train, holdout, replace(holdout.select(shuffled), subjects=None), classifier=False)


@pytest.mark.parametrize("what", ["one stranger", "white noise", "time-reversed strangers"])
def test_strangers_accuse_nobody(train, holdout, synthetic, what):
    values = synthetic.values[:72]
    made = {
        "one stranger": values[:1].repeat(72, 1, 1),
        "white noise": 30 * torch.randn(values.shape, generator=torch.Generator().manual_seed(0)),
        "time-reversed strangers": values.flip(-1),
    }[what]
    few = [part.select(range(72)) for part in (train, holdout, synthetic)]
    found = evaluate(few[0], few[1], replace(few[2], values=made), classifier=False)
    safety = {verdict.question: verdict for verdict in found.verdicts}["safety"]
    assert safety.answer == ("not known" if what == "one stranger" else "yes")
    assert found["repeated examples"].value == 1 or what != "one stranger"


def test_usefulness_is_one_for_real_examples_and_low_for_wrong_labels(train, holdout, synthetic):
    settings = {"seed": 0, "classifier": ClassifierSettings(steps=60, batch_size=32)}
    wrong = replace(synthetic, condition=Condition(labels=1 - synthetic.condition.labels))
    assert evaluate(train, holdout, wrong, **settings)["usefulness, features"].high < 0.3
    good = evaluate(train, holdout, synthetic, **settings)
    for method in ("network", "features"):
        assert good[f"usefulness, {method}"].value == pytest.approx(1, abs=0.05)
        assert good[f"balanced accuracy, {method}"].floor > 0.95


def test_the_report_goes_through_json_and_repeats(train, holdout, synthetic, honest):
    written = honest.to_dict()
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert evaluate(train, holdout, synthetic, classifier=False).to_dict() == written


def test_too_few_unlike_or_broken_examples_are_refused(train, holdout, synthetic):
    with pytest.raises(InvalidSetting, match=r"at least 20 .* 10 held-out"):
        evaluate(train, holdout.select(range(10)), synthetic)
    other = replace(synthetic, spec=replace(synthetic.spec, classes=("a", "b")))
    with pytest.raises(SpecMismatch, match="synthetic examples have classes"):
        evaluate(train, holdout, other)
    broken = synthetic.values.clone()
    broken[:3] = float("nan")
    with pytest.raises(SpecMismatch, match="3 of 240 synthetic"):
        evaluate(train, holdout, replace(synthetic, values=broken))


def test_progress_can_stop_it(train, holdout, synthetic):
    def stop(done, total, message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(train, holdout, synthetic, progress=stop)


def test_it_can_be_stopped_while_a_classifier_learns(train, holdout, synthetic):
    seen = []

    def stop(done: int, total: int, message: str) -> None:
        seen.append(message)
        if message.startswith("classifier of synthetic") and "step 20 of" in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(train, holdout, synthetic, classifier=ClassifierSettings(steps=60), progress=stop)
    assert any("distance in the space of a network, step 20" in message for message in seen)
    assert any("classifier of real examples, by network, step 40" in message for message in seen)
