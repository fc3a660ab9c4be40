"""The two controls, trained by the loop that trains everything: what each keeps and what each loses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis

from synth_core.data import Dataset, Preparation, prepare
from synth_core.errors import InvalidSetting
from synth_core.generators import Generator, build
from synth_core.generators.surrogate import phase_randomised
from synth_core.metrics import log_spectral_distance, power_spectral_density
from synth_core.simulate import ecg_cohort
from synth_core.training import RunConfig, load_generator, save_generator, train
from synth_core.training.sampling import draw
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

SLICES = DataSpec("ct", (1, 24, 20), "HU", 0.25, (), ("a", "b"))


def slices(n: int = 10) -> Batch:
    """Squares of different HU and place, class a on the left half and b on the right."""
    values = -1000 + 5 * torch.randn(n, 1, 24, 20, generator=seeded())
    for k in range(n):
        left = 3 if k % 2 == 0 else 12
        values[k, 0, 8 : 14 + k // 2, left : left + 5] = 20.0 + 5 * k
    return Batch(values, SLICES, Condition(labels=torch.eye(2)[torch.arange(n) % 2]))


def filled(name: str, batch: Batch, **settings: float) -> Generator:
    generator = build(name, batch.spec, **settings)
    generator.scaling.fit([batch])
    generator.loss(batch, "bank", seeded())
    return generator


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    out = tmp_path_factory.mktemp("datasets") / "hearts"
    prepare(ecg_cohort(8, seed=1, seconds=20.0), out, Preparation(seconds=5.0, rate=100.0))
    return Dataset.open(out).split()["train"]


@pytest.fixture(scope="module", params=["surrogate", "memorise"])
def trained(request: pytest.FixtureRequest, hearts: Dataset) -> Generator:
    generator = build(request.param, hearts.spec)
    steps = 3 * -(-len(hearts) // 8)  # the first pass may begin in mid-epoch
    records = list(train(generator, hearts, RunConfig(steps=steps, batch_size=8, average=0.999)))
    assert records[-1].terms["bank.total"] < 1e-6 < records[0].terms["bank.total"]
    return generator


def test_the_loop_fills_the_bank_with_every_training_example_once(trained: Generator, hearts: Dataset) -> None:
    assert int(trained.count) == len(hearts)
    stored = trained.scaling.to_physical(trained.stored[: len(hearts)])
    real = hearts.batch(range(len(hearts))).values
    gaps = torch.cdist(real.flatten(1).double(), stored.flatten(1).double()).amin(1)
    assert gaps.max() < 0.05  # mV over 12 leads × thousands of samples


def test_a_kept_model_loads_and_its_card_warns(trained: Generator, tmp_path: Path) -> None:
    path = save_generator(trained, tmp_path / "model")
    assert "holds patients' recordings" in (path / "card.md").read_text()
    again = load_generator(path, device="cpu")
    assert torch.equal(draw(again, 4, seed=1).values, draw(trained, 4, seed=1).values)


def test_surrogates_keep_the_spectrum_and_lose_the_beats(hearts: Dataset) -> None:
    real = hearts.batch(range(min(64, len(hearts))))
    generator = filled("surrogate", real)
    made = draw(generator, 64, seed=0).values.numpy()
    spectra = []
    for x in (real.values.numpy(), made):
        freqs, psd = power_spectral_density(x, hearts.spec.rate)
        spectra.append(psd.mean(0)[:, (freqs >= 1) & (freqs <= 30)])
    assert log_spectral_distance(*spectra) < 2
    assert np.median(kurtosis(real.values.numpy(), axis=-1)) > 3 * abs(np.median(kurtosis(made, axis=-1)))


@pytest.mark.parametrize("shape", [(3, 2, 101), (3, 2, 64), (3, 1, 12, 15), (3, 1, 16, 16)])
def test_amplitudes_means_and_cross_spectra_are_those_of_the_original(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=seeded(1), dtype=torch.float64) + 3
    axes = tuple(range(2, len(shape)))
    y = phase_randomised(x, torch.randn(shape[0], 1, *shape[2:], generator=seeded(2), dtype=torch.float64))
    before, after = torch.fft.fftn(x, dim=axes), torch.fft.fftn(y, dim=axes)
    torch.testing.assert_close(before.abs(), after.abs(), atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(x.mean(axes), y.mean(axes))
    torch.testing.assert_close(before[:, :1] * before.conj(), after[:, :1] * after.conj(), atol=1e-8, rtol=1e-8)
    assert not torch.allclose(x, y, atol=0.1)


def test_memorised_examples_are_found_again_once_they_are_aligned(hearts: Dataset) -> None:
    real = hearts.batch(range(min(32, len(hearts))))
    made = draw(filled("memorise", real), 16, seed=0).values[:, 0].numpy()
    best = [max(circular_correlation(one, other) for other in real.values[:, 0].numpy()) for one in made]
    assert min(best) > 0.9
    plain = [max(np.corrcoef(one, other)[0, 1] for other in real.values[:, 0].numpy()) for one in made]
    assert np.median(plain) < np.median(best) - 0.1  # the shift does hide them from a plain comparison


def circular_correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    shifted = np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b).conj(), len(a))
    return float(shifted.max() / np.linalg.norm(a) / np.linalg.norm(b))


def test_without_changes_a_memorised_slice_is_the_slice() -> None:
    batch = slices()
    generator = filled("memorise", batch, shift=0, flip=0, gain=0, noise=0)
    drawn = generator.sample(6, rng=seeded()).values
    gaps = torch.cdist(drawn.flatten(1).double(), batch.values.flatten(1).double()).amin(1)
    assert gaps.max() < 1


def test_a_flipped_slice_is_the_mirror_image_of_left_and_right() -> None:
    batch = slices()
    generator = filled("memorise", batch, shift=0, flip=1, gain=0, noise=0)
    drawn = generator.sample(6, rng=seeded()).values.flip(-1)
    gaps = torch.cdist(drawn.flatten(1).double(), batch.values.flatten(1).double()).amin(1)
    assert gaps.max() < 1


@pytest.mark.parametrize("name", ["surrogate", "memorise"])
def test_what_is_drawn_was_stored_with_the_class_asked_for(name: str) -> None:
    batch = slices()
    generator = filled(name, batch)
    chosen = generator._chosen(Condition(labels=torch.eye(2)[[0, 1] * 20]), 40, seeded())
    assert torch.equal(generator.labels[chosen], torch.eye(2)[[0, 1] * 20])


def test_a_full_bank_takes_no_more_and_its_loss_says_so() -> None:
    generator = filled("memorise", slices(), size=4)
    before = generator.stored.clone()
    loss = generator.loss(slices(), "bank", seeded())["total"]
    assert int(generator.count) == 4
    assert torch.equal(generator.stored, before)
    assert loss > 0.01


def test_an_example_that_a_batch_holds_twice_is_stored_once() -> None:
    batch = slices()
    generator = build("surrogate", SLICES)
    generator.scaling.fit([batch])
    generator.loss(batch.select([0, 1, 0, 2, 1]), "bank", seeded())
    assert int(generator.count) == 3


def test_a_bank_beyond_the_memory_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="are allowed"):
        build("surrogate", DataSpec("ct", (1, 512, 512), "HU", 2.0), size=100_000)
