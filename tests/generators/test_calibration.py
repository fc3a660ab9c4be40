"""A filter takes away what mean spectra are off by, per channel and class, and nothing else."""

from __future__ import annotations

import pytest
import torch

from synth_core.errors import ModelError
from synth_core.generators import Generator, build
from synth_core.generators.balance import MOST_BANDS, balanced, band_count, band_powers
from synth_core.generators.calibration import FEWEST, LARGEST, calibrate, quieten
from synth_core.generators.scaling import Scaling
from synth_core.leads import TWELVE_LEADS
from synth_core.types import Batch, Condition, DataSpec

EEG = DataSpec("eeg", (2, 128), "uV", 128.0, ("C3", "C4"), ("a", "b"))
LOUDNESS = torch.tensor([1.0, 2.0])  # of the classes


def coloured(labels: torch.Tensor, smooth: float, rng: torch.Generator) -> torch.Tensor:
    """(n, 2, 128) noise, louder in the second class; each value is joined by so much of both its neighbours."""
    x = torch.randn(len(labels), 2, 130, generator=rng)
    x = (1 - 2 * smooth) * x[..., 1:-1] + smooth * (x[..., 2:] + x[..., :-2])
    return 20 * x * (labels @ LOUDNESS).view(-1, 1, 1)


def real_batch(n: int = 400) -> Batch:
    labels = torch.eye(2)[torch.arange(n) % 2]
    return Batch(coloured(labels, 0.0, torch.Generator().manual_seed(0)), EEG, Condition(labels=labels))


@pytest.fixture
def too_smooth() -> Generator:
    """Its classes are equally loud and lack what is fast."""
    generator = build("surrogate", EEG)
    generator.scaling.fit([real_batch()])

    def sample_scaled(condition: Condition, n: int, *, rng: torch.Generator, **_: object) -> torch.Tensor:
        labels = torch.eye(2)[torch.zeros(n, dtype=torch.long)]
        return generator.scaling.to_scaled(coloured(labels, 0.15, rng))

    generator.sample_scaled = sample_scaled  # type: ignore[method-assign, assignment]
    return generator


def off_by(generator: Generator, label: int) -> float:
    """Root mean square of the difference in dB, between what is drawn of a class and real examples of it."""
    batch = real_batch()
    asked = Condition(labels=torch.eye(2)[[label] * 200])
    drawn = generator.sample(asked, rng=torch.Generator().manual_seed(9)).values
    ratio = band_powers(drawn) / band_powers(batch.values[label::2])
    return float((10 * ratio.log10()).square().mean().sqrt())


def test_the_spectrum_of_each_class_comes_to_that_of_the_training_data(too_smooth: Generator) -> None:
    assert min(off_by(too_smooth, 0), off_by(too_smooth, 1)) > 3
    calibrate(too_smooth, [real_batch()], 10_000, torch.Generator().manual_seed(1))
    assert max(off_by(too_smooth, 0), off_by(too_smooth, 1)) < 1.5


def test_gains_are_bounded_and_the_mean_follows_the_lowest_band(too_smooth: Generator) -> None:
    calibrate(too_smooth, [real_batch()], 10_000, torch.Generator().manual_seed(1))
    balance = too_smooth.scaling.balance
    assert float(balance.min()) >= 1 / LARGEST
    assert float(balance.max()) <= LARGEST
    assert torch.equal(balance[..., 0], balance[..., 1])


@pytest.mark.parametrize(("real", "most"), [(400, 3 * FEWEST - 1), (FEWEST - 2, 10_000)])
def test_too_few_examples_correct_nothing(too_smooth: Generator, real: int, most: int) -> None:
    before = too_smooth.sample(3, rng=torch.Generator().manual_seed(0)).values
    calibrate(too_smooth, [real_batch(real)], most, torch.Generator().manual_seed(1))
    assert torch.equal(too_smooth.sample(3, rng=torch.Generator().manual_seed(0)).values, before)


def test_a_gain_of_one_changes_nothing_and_a_gain_of_two_doubles() -> None:
    x = torch.randn(3, 2, 300)
    one = torch.ones(3, 2, band_count(300))
    assert band_count(300) == MOST_BANDS
    assert torch.allclose(balanced(x, one), x, atol=1e-5)
    assert torch.allclose(balanced(x, 2 * one), 2 * x, atol=1e-5)


def test_the_way_through_json_is_exact_and_what_lacks_it_is_not_corrected(too_smooth: Generator) -> None:
    calibrate(too_smooth, [real_batch()], 10_000, torch.Generator().manual_seed(1))
    fields = too_smooth.scaling.to_dict()
    other = Scaling(EEG)
    other.load_dict(fields)
    assert torch.equal(other.balance, too_smooth.scaling.balance)
    other.load_dict({name: value for name, value in fields.items() if name != "balance"})
    assert other.balance_of(None, 3) is None
    with pytest.raises(ModelError, match="balance must have shape"):
        other.load_dict(fields | {"balance": fields["balance"][:1]})


def test_derived_leads_stay_consistent() -> None:
    spec = DataSpec("ecg", (12, 130), "mV", 100.0, TWELVE_LEADS)
    generator = build("flow", spec, dim=32, depth=2, width=8, steps=3)
    examples = Batch(torch.randn(64, 12, 130).cumsum(-1), spec)
    generator.scaling.fit([examples])
    calibrate(generator, [examples], 10_000, torch.Generator().manual_seed(1))
    assert generator.scaling.balance_of(None, 4) is not None
    one, two, three = generator.sample(4, rng=torch.Generator().manual_seed(0)).values[:, :3].unbind(1)
    assert torch.equal(three, two - one)


def test_where_the_stop_band_alone_is_quietened_the_rest_stays_and_nothing_is_raised() -> None:
    quiet = torch.fft.rfft(real_batch().values)
    quiet[..., 56:] *= 0.01
    real = Batch(torch.fft.irfft(quiet), EEG, real_batch().condition)
    generator = build("surrogate", EEG)
    generator.scaling.fit([real])
    generator.sample_scaled = lambda condition, n, *, rng, **_: generator.scaling.to_scaled(  # type: ignore[method-assign]
        coloured(torch.eye(2)[torch.arange(n) % 2], 0.15, rng)
    )
    quieten(generator, [real], 10_000, torch.Generator().manual_seed(1))
    balance = generator.scaling.balance
    assert float(balance.max()) == 1
    assert float(balance[..., 60:].max()) < 0.1
    assert bool((balance[..., :48] == 1).all())
