import torch

from synth_core.generators.whitening import LARGEST_GAIN, fit_gains, unwhiten, whiten


def brown(n: int = 64, channels: int = 2, samples: int = 178) -> torch.Tensor:
    return torch.randn(n, channels, samples, generator=torch.Generator().manual_seed(0)).cumsum(-1)


def power_ratio(x: torch.Tensor) -> float:
    power = torch.fft.rfft(x * torch.hann_window(x.shape[-1])).abs().square().mean((0, 1))
    return float(power[3:10].mean() / power[60:80].mean())


def test_there_and_back_is_the_identity() -> None:
    x = brown()
    gains = fit_gains(x, 0.5)
    assert torch.allclose(unwhiten(whiten(x, gains), gains), x, atol=1e-3)


def test_a_brown_signal_becomes_white_at_one_half_and_stays_at_zero() -> None:
    x = brown()
    assert power_ratio(x) > 50
    assert 0.25 < power_ratio(whiten(x, fit_gains(x, 0.5))) < 4
    assert torch.allclose(whiten(x, fit_gains(x, 0.0)), x, atol=1e-4)


def test_an_empty_band_is_not_pulled_up_without_bound() -> None:
    tone = torch.sin(2 * torch.pi * 5 * torch.arange(200) / 200).repeat(4, 1, 1)
    gains = fit_gains(tone, 0.5)
    assert float(gains.max() / gains.min()) <= LARGEST_GAIN * 1.001
