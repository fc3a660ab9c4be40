import math

import pytest
import torch

from synth_core.generators.diffusion import (
    cosine_schedule,
    data_and_noise,
    evenly_spaced,
    linear_schedule,
    matching_steps,
    noisy,
    reverse,
    target,
    zero_terminal_snr,
)


def test_the_linear_schedule_is_the_product_of_its_variances() -> None:
    schedule = linear_schedule(50)
    assert schedule[0] == pytest.approx(1 - 1e-4)
    assert schedule[1] == pytest.approx((1 - 1e-4) * (1 - (1e-4 + 0.0499 / 49)))
    assert float(schedule[-1]) == pytest.approx(0.28, abs=0.005)


def test_the_cosine_schedule_follows_its_closed_form_until_the_variance_is_capped() -> None:
    schedule = cosine_schedule(1000)
    f = [math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2 for t in (0.0, 0.25, 0.5, 0.9)]
    assert [float(schedule[t - 1]) for t in (250, 500, 900)] == pytest.approx([share / f[0] for share in f[1:]])
    assert 0 < float(schedule[-1]) < 1e-5


@pytest.mark.parametrize("schedule", [linear_schedule(50), cosine_schedule(1000)])
def test_zero_terminal_snr_ends_at_zero_exactly_keeps_the_first_and_falls(schedule: torch.Tensor) -> None:
    scaled = zero_terminal_snr(schedule)
    assert float(scaled[-1]) == 0.0
    assert float(scaled[0]) == pytest.approx(float(schedule[0]), abs=1e-12)
    assert bool((scaled.diff() < 0).all())


def test_matching_steps_interpolate_the_root_of_the_level() -> None:
    schedule = linear_schedule(50)
    between = (0.3 * schedule[7].sqrt() + 0.7 * schedule[8].sqrt()).square()
    steps = matching_steps(schedule, torch.stack([schedule[0], schedule[20], between, schedule[-1]]))
    assert torch.allclose(steps, torch.tensor([0.0, 20.0, 7.7, 49.0], dtype=torch.float64))


def test_few_steps_end_at_pure_noise_and_all_steps_are_the_schedule() -> None:
    schedule = zero_terminal_snr(linear_schedule(50))
    levels, positions = evenly_spaced(schedule, 7)
    assert len(levels) == 7
    assert float(positions[-1]) == 49
    assert bool((positions.diff() > 0).all())
    assert torch.equal(evenly_spaced(schedule, 50)[0], schedule)


@pytest.mark.parametrize("kind", ["noise", "velocity"])
def test_a_perfect_output_gives_data_and_noise_back(kind) -> None:
    data, noise = torch.randn(2, 5, 3, dtype=torch.float64)
    level = torch.tensor(0.37, dtype=torch.float64)
    found = data_and_noise(target(data, noise, level, kind), noisy(data, noise, level), level, kind)
    assert torch.allclose(found[0], data)
    assert torch.allclose(found[1], noise)


@pytest.mark.parametrize(("eta", "steps"), [(0.0, 100), (1.0, 400)])
def test_sampling_with_the_true_denoiser_of_a_gaussian_recovers_its_moments(eta: float, steps: int) -> None:
    mean, spread = 2.0, 0.5
    schedule = zero_terminal_snr(cosine_schedule(1000))
    rng = torch.Generator().manual_seed(0)

    def velocity(x: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        level = schedule[int(position)]
        gain = level.sqrt() * spread**2 / (level * spread**2 + 1 - level)
        data = mean + gain * (x - level.sqrt() * mean)  # E[x_0 | x_t]
        noise = (x - level.sqrt() * data) / (1 - level).sqrt()
        return level.sqrt() * noise - (1 - level).sqrt() * data

    start = torch.randn(20_000, generator=rng, dtype=torch.float64)
    levels, positions = evenly_spaced(schedule, steps)
    draw = lambda: torch.randn(20_000, generator=rng, dtype=torch.float64)  # noqa: E731
    drawn = reverse(velocity, start, levels, positions, kind="velocity", eta=eta, draw=draw)
    assert float(drawn.mean()) == pytest.approx(mean, abs=0.02)
    assert float(drawn.std()) == pytest.approx(spread, rel=0.04)
