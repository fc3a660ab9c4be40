"""The heartbeat generator: what it takes apart it puts together again, and one heart beats in what it makes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from synth_core.beats import beats
from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.generators import build
from synth_core.generators.beat_model.anatomy import anatomy_of
from synth_core.generators.beat_model.beat import Grid, laid_out
from synth_core.generators.beat_model.noise import band_edges, band_spectra, drawn_noise
from synth_core.generators.beat_model.register import STANDARD, landmarks, placed, registered
from synth_core.generators.beat_model.rhythm import Rhythm, drawn_beats, rhythm_of
from synth_core.generators.heartbeat import Heartbeat
from synth_core.generators.inpainting import keep_all_but
from synth_core.simulate import ecg_cohort
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

LEADS = [0, 1, 6, 7, 8, 9, 10, 11]


@cache
def cohort(rate: float = 100.0, seconds: float = 10.0, subjects: int = 40) -> Batch:
    """Simulated ECGs, the classes in turn; the third and fourth are tachycardia and atrial fibrillation."""
    recordings = ecg_cohort(subjects, seed=4, seconds=seconds, rate=rate)
    spec = recordings[0].spec
    values = torch.from_numpy(np.stack([recording.read() for recording in recordings])).float()
    labels = torch.eye(len(spec.classes))[torch.arange(subjects) % len(spec.classes)]
    names = tuple(recording.subject for recording in recordings)
    return Batch(values, spec, Condition(labels=labels), names)


@cache
def fitted() -> Heartbeat:
    generator = build("heartbeat", cohort().spec)
    assert isinstance(generator, Heartbeat)
    generator.scaling.fit([cohort()])
    return generator


def of_class(name: str, n: int) -> Condition:
    classes = cohort().spec.classes
    return Condition(labels=torch.eye(len(classes))[[classes.index(name)] * n])


def rr_of(values: torch.Tensor, rate: float = 100.0) -> list[np.ndarray]:
    return [beats(record[LEADS].numpy(), rate).rr_ms for record in values]


class TestParts:
    @pytest.mark.parametrize("rate", [100.0, 125.0, 250.0, 500.0])
    def test_beats_laid_out_are_found_again_with_their_shape(self, rate: float) -> None:
        grid = Grid(rate)
        time = (np.arange(grid.width) - grid.before) / grid.fine
        shape = np.stack([np.exp(-0.5 * (time / 0.012) ** 2), -0.5 * np.exp(-0.5 * ((time - 0.01) / 0.012) ** 2)])
        shape += 0.2 * np.exp(-0.5 * ((time - 0.28) / 0.04) ** 2)
        peaks = np.cumsum(np.tile([0.8, 0.84, 0.78], 5)) * grid.fine
        fine = laid_out(np.repeat(shape[None], 15, 0), np.round(peaks), round(12 * grid.fine), grid)
        found = anatomy_of(fine[:, :: grid.factor], rate)
        assert found.shape is not None
        np.testing.assert_allclose(found.rr, np.diff(peaks)[: len(found.rr)] / grid.fine, atol=0.006)
        shift = int(np.abs(found.shape[0]).argmax()) - grid.before  # R is the steepest point, not the highest
        inner = slice(grid.samples(0.05), -grid.samples(0.05))
        np.testing.assert_allclose(np.roll(found.shape, -shift, axis=1)[:, inner], shape[:, inner], atol=0.06)

    def test_a_long_pause_is_flat_and_a_short_one_cuts(self) -> None:
        grid = Grid(400.0)
        shape = np.ones((1, 1, grid.width))
        shape[..., : grid.before] = 0
        made = laid_out(np.repeat(shape, 3, 0), np.array([200.0, 520.0, 1400.0]), 2000, grid)[0]
        assert made.max() <= 1  # windows that are added up would reach 2
        assert abs(made[1260]) < 0.15  # the segment has come down to where the next beat begins
        assert made[700] == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize("width", [0.016, 0.024])
    def test_landmarks_come_to_their_places_and_back(self, width: float) -> None:
        grid = Grid(500.0)
        time = (np.arange(grid.width) - grid.before) / grid.fine
        shape = np.exp(-0.5 * (time / width) ** 2)[None] + 0.3 * np.exp(-0.5 * ((time - 0.26) / 0.03) ** 2)
        moved, found = registered(shape, grid)
        assert landmarks(moved, grid)[1][1] == pytest.approx(STANDARD[1], abs=0.01)
        np.testing.assert_allclose(placed(moved, found, grid), shape, atol=0.05)

    @pytest.mark.parametrize("rate", [100.0, 360.0, 500.0])
    def test_noise_has_the_power_and_sharing_that_were_asked_for(self, rate: float) -> None:
        bands = len(band_edges(rate)) - 1
        power = np.log(1e-3) * np.ones((2, bands)) - np.linspace(0, 3, bands)
        sharing = np.array([[1.0, 0.6], [0.6, 1.0]])
        roots = np.repeat(np.linalg.cholesky(sharing)[None], bands, 0)
        rng = np.random.default_rng(0)
        found = [band_spectra(drawn_noise(power, roots, round(40 * rate), rate, rng), rate) for _ in range(10)]
        measured = np.mean([one[0] for one in found], axis=0)
        np.testing.assert_allclose(measured[:, 5:], power[:, 5:], atol=0.5)
        np.testing.assert_allclose(np.mean([one[1][bands // 2 :] for one in found]), sharing.mean(), atol=0.05)

    def test_a_rhythm_is_drawn_as_it_was_measured(self) -> None:
        asked = Rhythm(mean=0.8, variation=0.03, memory=0.5)
        rng = np.random.default_rng(1)
        found = []
        for _ in range(40):
            peaks, odd = drawn_beats(asked, 40.0, rng)
            found.append(rhythm_of(np.diff(peaks)[1:], odd[1:]))
        assert np.mean([one.mean for one in found]) == pytest.approx(0.8, rel=0.01)
        assert np.mean([one.variation for one in found]) == pytest.approx(0.03, rel=0.15)
        assert np.mean([one.memory for one in found]) == pytest.approx(0.5, abs=0.1)

    def test_ectopic_beats_come_early_and_the_next_one_late(self) -> None:
        peaks, odd = drawn_beats(Rhythm(0.8, 0.01, 0.0, 0.1, 0.6, 1.4), 400.0, np.random.default_rng(2))
        rr = np.diff(peaks)
        alone = odd[1:-1] & ~odd[:-2] & ~odd[2:]
        assert alone.sum() > 20
        assert np.median(rr[:-1][alone]) == pytest.approx(0.48, rel=0.05)
        assert np.median(rr[1:][alone]) == pytest.approx(1.12, rel=0.05)

    def test_a_beat_of_another_kind_is_ectopic_and_noise_has_no_beats(self) -> None:
        grid = Grid(100.0)
        time = (np.arange(grid.width) - grid.before) / grid.fine
        usual = np.exp(-0.5 * (time / 0.012) ** 2)[None] * np.array([[1.0], [0.5]])
        shapes = np.repeat(usual[None], 12, 0)
        shapes[6] = -1.5 * np.exp(-0.5 * ((time - 0.02) / 0.022) ** 2) * np.array([[1.0], [-1.0]])
        peaks = 200 + 320.0 * np.arange(12)
        record = laid_out(shapes, peaks, 4000, grid)[:, :: grid.factor]
        record = record + 0.005 * np.random.default_rng(0).standard_normal(record.shape)
        assert anatomy_of(record, 100.0).ectopic.nonzero()[0].tolist() == [6]
        assert anatomy_of(np.random.default_rng(0).standard_normal((2, 1000)), 100.0).shape is None


class TestSamples:
    def test_one_heart_beats_in_each_record(self) -> None:
        drawn = fitted().sample(20, rng=seeded(1)).values
        found = [anatomy_of(record[LEADS].double().numpy(), 100.0) for record in drawn]
        assert all(one.shape is not None for one in found)
        assert np.mean([one.ectopic.mean() for one in found]) < 0.05

    def test_rate_and_regularity_are_those_of_the_class(self) -> None:
        rates = {}
        for name in ("bradycardia", "tachycardia", "atrial fibrillation"):
            rr = rr_of(fitted().sample(of_class(name, 12), rng=seeded(2)).values)
            rates[name] = (np.median([np.median(one) for one in rr]), np.median([one.std() / one.mean() for one in rr]))
        assert rates["tachycardia"][0] < 600 < 1000 < rates["bradycardia"][0]
        assert rates["atrial fibrillation"][1] > 0.12 > 0.06 > rates["tachycardia"][1]

    def test_no_training_record_is_in_what_is_kept(self) -> None:
        """Fewer numbers than records hold, and none of a person's own: means, bases, quantiles, covariances."""
        generator = fitted()
        kept = sum(buffer.numel() for name, buffer in generator.named_buffers() if "shape_basis" not in name)
        assert kept < cohort().values.numel() / 2
        drawn = generator.sample(of_class("normal", 40), rng=seeded(3)).values[:, LEADS].flatten(1)
        train = cohort().values[:, LEADS].flatten(1)
        correlation = torch.corrcoef(torch.cat([drawn, train]))[:40, 40:]
        assert float(correlation.max()) < 0.9

    @pytest.mark.parametrize(("rate", "seconds"), [(500.0, 10.0), (250.0, 6.0), (128.0, 30.0)])
    def test_other_rates_and_durations(self, rate: float, seconds: float) -> None:
        batch = cohort(rate, seconds, 15)
        generator = build("heartbeat", batch.spec, components=10)
        generator.scaling.fit([batch])
        rr = rr_of(generator.sample(6, rng=seeded()).values, rate)
        assert sum(len(one) > 1 for one in rr) >= 5

    def test_a_strip_goes_on_in_one_rhythm_at_any_rate(self) -> None:
        strip = fitted().strip(of_class("tachycardia", 3), rng=seeded(), seconds=40, rate=250)
        assert strip.values.shape == (3, 12, 10_000)
        assert (strip.spec.rate, strip.spec.seconds) == (250, 40)
        for record, rr in zip(strip.values, rr_of(strip.values, 250.0), strict=True):
            assert len(rr) > 60
            assert np.median(rr[:20]) == pytest.approx(np.median(rr[-20:]), rel=0.1)
            assert float(record[2].sub(record[1] - record[0]).abs().max()) < 1e-4
        with pytest.raises(InvalidSetting, match="1 to 3600 s"):
            fitted().strip(2, rng=seeded(), seconds=0.1)

    def test_records_without_beats_are_noise_of_their_spectrum_and_the_card_says_so(self) -> None:
        noisy = cohort().values.clone()
        rng = seeded(9)
        mixed = torch.where(
            (torch.arange(40) < 10)[:, None, None], 0.3 * torch.randn(noisy.shape, generator=rng), noisy
        )
        spec = DataSpec("ecg", cohort().spec.shape, "mV", 100.0, cohort().spec.channels, ("vf", "other"))
        labels = torch.eye(2)[(torch.arange(40) >= 10).long()]
        generator = build("heartbeat", spec)
        generator.scaling.fit([Batch(mixed, spec, Condition(labels=labels))])
        drawn = generator.sample(Condition(labels=torch.eye(2)[[0] * 8]), rng=seeded()).values
        assert sum(len(one) == 0 for one in rr_of(drawn)) >= 4
        assert any("no beats" in sentence and "25 %" in sentence for sentence in generator.remarks)


def test_the_loss_depends_on_its_rng_alone() -> None:
    batch = cohort().select(list(range(16)))
    first = fitted().loss(batch, "hearts", seeded(1))["total"]
    torch.rand(5)  # the random state of the process moves on
    fitted().network.out.weight.data.normal_(generator=seeded(2))
    second, again = (fitted().loss(batch, "hearts", seeded(1))["total"] for _ in range(2))
    fitted().network.out.weight.data.zero_()
    assert torch.equal(second, again)
    assert not torch.equal(first, second)


class TestInfilling:
    def test_a_gap_is_filled_in_rhythm(self) -> None:
        batch = cohort().select([0, 5, 10, 15])  # regular ones
        keep = keep_all_but(batch.spec, span=(4.0, 6.0))
        hidden = Batch(torch.where(keep, batch.values, torch.nan), batch.spec, batch.condition)
        made = fitted().inpaint(hidden, keep, rng=seeded())
        assert torch.equal(made.values[:, :, :400], batch.values[:, :, :400])
        for real, synthetic in zip(rr_of(batch.values), rr_of(made.values), strict=True):
            assert len(real) == len(synthetic)
            np.testing.assert_allclose(real, synthetic, atol=120)

    def test_a_lead_follows_from_the_others(self) -> None:
        batch = cohort(subjects=60).select(list(range(40, 60)))  # people that it was not fitted on
        keep = keep_all_but(batch.spec, channels=["V3"])
        made = fitted().inpaint(batch, keep, rng=seeded()).values[:, 8]
        pairs = zip(made.numpy(), batch.values[:, 8].numpy(), strict=True)
        assert np.median([np.corrcoef(*pair)[0, 1] for pair in pairs]) > 0.8

    def test_limb_leads_follow_exactly_and_nothing_hidden_has_a_say(self) -> None:
        batch = cohort().select([0, 1, 2])
        keep = keep_all_but(batch.spec, channels=["II", "V1"])
        hidden = Batch(torch.where(keep, batch.values, torch.nan), batch.spec, batch.condition)
        made = fitted().inpaint(hidden, keep, rng=seeded()).values
        assert torch.allclose(made[:, 1], batch.values[:, 1], atol=1e-3)
        assert torch.equal(made, fitted().inpaint(batch, keep, rng=seeded()).values)

    def test_misuse_is_refused_with_a_sentence(self) -> None:
        batch = cohort().select([0])
        keep = keep_all_but(batch.spec, channels=["V1"])
        other = DataSpec("ecg", batch.spec.shape, "mV", 100.0, batch.spec.channels, ("another",))
        with pytest.raises(SpecMismatch, match="another kind"):
            fitted().inpaint(Batch(batch.values, other), keep, rng=seeded())
        with pytest.raises(InvalidSetting, match="sampler steps"):
            fitted().inpaint(batch, keep, rng=seeded(), steps=0)
