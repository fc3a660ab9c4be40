from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_core.metrics.fidelity import compared
from synth_core.metrics.safety import closest_copies, copies_in, safety_measures


def measured(batches, copies=None):
    features = compared(*batches).features()
    found = safety_measures(batches, features, np.random.default_rng(0), copies)
    return {measure.name: measure for measure in found}


def test_fresh_people_are_as_safe_as_held_out_ones(train, holdout, synthetic):
    found = measured((train, holdout, synthetic))
    assert {measure.question for measure in found.values()} == {"safety"}
    assert {measure.verdict for measure in found.values()} <= {"as real", "near"}
    assert len(found) == 7


def test_plain_copies_alarm_every_measure(train, holdout):
    found = measured((train, holdout, replace(train, subjects=None)))
    assert {measure.verdict for measure in found.values()} == {"far"}
    assert found["exact copies"].score.value == 1


def test_changed_copies_are_found_where_features_see_other_people(train, holdout):
    changed = replace(train, values=-1.6 * torch.roll(train.values, 40, -1), subjects=None)
    batches = (train, holdout, changed)
    copies = copies_in(batches)
    found = measured(batches, copies)
    assert found["exact copies"].score.value == 0
    assert found["copies found"].verdict == "far"
    pairs = closest_copies(batches, top=3, copies=copies)
    assert [pair.synthetic for pair in pairs] == [pair.train for pair in pairs]
    assert pairs[0].similarity == pytest.approx(1, abs=1e-4)
    assert pairs[0].shift == (40,)
