"""The measures of head CT say no to planted faults, and yes to other people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from synth_core.metrics import ct_measures
from synth_core.metrics.ct import nearest_other
from synth_core.types import Batch, Condition, DataSpec

SPEC = DataSpec("ct", (1, 48, 48), "HU", 0.3, (), ("none", "calcification"))
N = 60


def people(seed: int) -> Batch:
    """Heads of varied size; ventricles in front; every other one calcified on both sides, with its mask."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((48, 48)) - 23.5
    values, masks = np.full((N, 48, 48), -1000.0), np.zeros((N, 48, 48))
    for k in range(N):
        a, b = rng.uniform(17, 21), rng.uniform(14, 18)
        radius = np.hypot(rows / a, columns / b)
        values[k][radius < 1] = 1000.0
        values[k][radius < 0.8] = rng.normal(34, 1.5)
        values[k][np.hypot((rows + 7) / 4, columns / rng.uniform(2, 5)) < 1] = rng.normal(8, 1)
        if k % 2:
            reach = rng.uniform(1.5, 3)
            masks[k] = np.hypot(rows - 2, np.abs(columns) - 5) < reach
            values[k] = np.where(masks[k] > 0, rng.uniform(150, 300), values[k])
    values = gaussian_filter(values, (0, 0.5, 0.5)) + gaussian_filter(rng.normal(0, 8, values.shape), (0, 0.6, 0.6))
    labels = torch.eye(2)[torch.arange(N) % 2]
    condition = Condition(labels=labels, mask=torch.from_numpy(masks[:, None]).float())
    return Batch(torch.from_numpy(values[:, None]).float(), SPEC, condition, tuple(f"{seed}-{k}" for k in range(N)))


REAL = people(0), people(1)
OTHERS = people(2)


def verdicts(synthetic: Batch) -> dict[str, str]:
    measures = ct_measures((*REAL, synthetic), np.random.default_rng(0))
    return {(m.name if m.part == "all" else f"{m.name} {m.part}"): m.verdict for m in measures}


def changed(values: np.ndarray) -> Batch:
    return replace(OTHERS, values=torch.from_numpy(np.ascontiguousarray(values)).float(), subjects=None)


def washed_out(x: np.ndarray) -> np.ndarray:
    return np.where(OTHERS.condition.mask.numpy() > 0, np.minimum(x, 50), x)


def test_other_people_are_as_real_and_there_are_at_most_fourteen_measures_of_the_whole() -> None:
    found = verdicts(OTHERS)
    assert list(found.values()).count("far") == 0
    assert list(found.values()).count("as real") >= len(found) - 2
    assert len([name for name in found if not name.startswith("calcified area ")]) == 14


FAULTS = {
    "washed-out lesions": (washed_out, {"peak in brain", "lesion contrast", "mirror Dice of calcifications, shown"}),
    "noise": (lambda x: x + np.random.default_rng(0).normal(0, 20, x.shape), {"noise power", "texture contrast"}),
    "blur": (lambda x: gaussian_filter(x, (0, 0, 1, 1)), {"noise power", "texture homogeneity"}),
    "brighter": (lambda x: x + 15, {"HU distance, brain", "mean brain"}),
    "scaled": (lambda x: x * 1.5, {"HU distance, brain", "peak in brain"}),
    "upside down": (lambda x: x[:, :, ::-1], {"mean brain"}),
    "one side only": (lambda x: np.where(np.arange(48) < 24, x, x[0]), {"left–right difference"}),
    "no heads": (lambda x: np.full_like(x, -1000), {"brain inside a skull", "similarity of pairs"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_far_from_real_in_the_measures_that_are_made_for_it(fault: str) -> None:
    plant, expected = FAULTS[fault]
    found = verdicts(changed(plant(OTHERS.values.numpy())))
    assert {name for name in expected if found.get(name) == "far"} == expected


def test_ten_slices_repeated_are_no_set_of_sixty() -> None:
    few = OTHERS.select([k % 10 for k in range(N)])
    assert verdicts(replace(few, subjects=None))["nearest other slice"] == "far"


def test_what_needs_lesion_masks_or_classes_is_left_out_without_them() -> None:
    bare = [replace(batch, condition=Condition()) for batch in (*REAL, OTHERS)]
    measures = list(ct_measures((bare[0], bare[1], bare[2]), np.random.default_rng(0)))
    assert "lesion contrast" not in {measure.name for measure in measures}
    assert {measure.part for measure in measures} == {"all"}


def test_the_same_seed_gives_the_same_scores() -> None:
    first, again = ([m.score for m in ct_measures((*REAL, OTHERS), np.random.default_rng(4))] for _ in range(2))
    assert first == again


def test_the_nearest_other_is_of_another_subject_and_among_as_many_candidates() -> None:
    values = np.repeat(np.arange(30.0), 2)[:, None]  # two equal slices of each subject
    names, rng = np.repeat(np.arange(30), 2), np.random.default_rng(0)
    np.testing.assert_allclose(nearest_other(values, names, 29, rng), 1, atol=1e-6)
    np.testing.assert_allclose(nearest_other(values, None, 59, rng), 0, atol=1e-6)
    assert np.mean(nearest_other(values, names, 3, rng)) > 2
