"""The one training loop, for every generator, on Lightning Fabric."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric

from synth_core.data import Dataset
from synth_core.data.dataset import check_real
from synth_core.errors import ModelError, RunError
from synth_core.generators import Generator, Phase
from synth_core.generators.calibration import calibrate, quieten
from synth_core.training.average import MovingAverage
from synth_core.training.checkpoint import newest_good, save_checkpoint, set_aside
from synth_core.training.config import RunConfig
from synth_core.training.faults import told
from synth_core.training.heartbeat import Heartbeat
from synth_core.training.order import Order
from synth_core.training.preview import Preview
from synth_core.training.provenance import provenance_of, versions
from synth_core.training.run import RunDirectory
from synth_core.training.same import check_description
from synth_core.types import Batch, Condition

SCALING_EXAMPLES = 8_192  # that the scaling is fitted on; drawn at random, as files are often sorted by class
FINAL_RATE = 0.02  # share of the peak learning rate at the end of the cosine


@dataclass(frozen=True)
class StepRecord:
    """What one step measured; `terms` maps "phase.term" to its value."""

    step: int
    terms: dict[str, float]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """One flat line of metrics.jsonl."""
        return {"step": self.step, **self.terms, "seconds": round(self.seconds, 4)}


def train(
    generator: Generator,
    dataset: Dataset,
    config: RunConfig,
    *,
    resume: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[StepRecord]:
    """Train in place, a record per step; at the end `generator` holds the averaged weights and its provenance.

    Parameters
    ----------
    generator : built for `dataset.spec`; its scaling is fitted here, unless the run is resumed.
    dataset : the training split.
    config : with `out`, a run directory is kept there: status, metrics, checkpoints, previews, cancel.
    resume : continue from the newest good checkpoint of `config.out`, where there is one.
    clock : seconds, of a clock that nobody sets back or forward.

    Raises
    ------
    InvalidSetting : the data are synthetic and `config` does not allow it.
    RunError : the data are of another kind, the run exists already, is held by another process or was begun
        otherwise, all its checkpoints are damaged, the loss is not finite any more, or disk or memory ran out.
    """
    check_real(dataset, config.allow_synthetic)
    if generator.spec != dataset.spec:
        raise RunError(
            "The generator was built for another kind of data than this dataset holds; build it for this one."
        )
    if config.out is None:
        yield from _Session(generator, dataset, config, None, Heartbeat(None, config.steps, clock)).steps()
        return
    run = RunDirectory(config.out)
    if run.checkpoints() and not resume:
        raise RunError(f"{run.name} already holds a run; resume it or choose another folder.")
    with told(run.name), run.held(), Heartbeat(run, config.steps, clock) as heartbeat:
        if run.checkpoints():
            check_description(run, run_description(generator, dataset, config) | generator.describe())
        run.clear_cancel()
        session = _Session(generator, dataset, config, run, heartbeat)
        session.record_config()
        yield from session.steps()


def active_phases(phases: tuple[Phase, ...], step: int, steps: int) -> list[Phase]:
    """The phases that run on `step` (1 … steps): those due by `every`, or the one whose `share` of the run it is."""
    if all(phase.share == 1.0 for phase in phases):
        return [phase for phase in phases if step % phase.every == 0]
    end = 0.0
    for phase in phases:
        end += phase.share * steps
        if step <= round(end):
            return [phase]
    return [phases[-1]]


class _Session:
    """One worker: what it trains, with which optimisers, and where it reports."""

    def __init__(
        self, generator: Generator, dataset: Dataset, config: RunConfig, run: RunDirectory | None, heartbeat: Heartbeat
    ) -> None:
        self.generator, self.dataset, self.config, self.run, self.heartbeat = generator, dataset, config, run, heartbeat
        if not self._restore_scaling():
            generator.scaling.fit(_some_batches(dataset, config.seed))
        self.fabric = Fabric(accelerator=config.accelerator, devices=1, precision=_precision(config))
        heartbeat.update(device=_device_name(self.fabric.device))
        self.module = self.fabric.setup_module(generator)
        self.module.mark_forward_method("loss")
        self.optimizers: dict[str, Any] = {
            phase.name: self.fabric.setup_optimizers(generator.optimizer(phase.name)) for phase in generator.phases
        }
        self.peaks = {name: [group["lr"] for group in opt.param_groups] for name, opt in self.optimizers.items()}
        self.average = MovingAverage(generator, config.average)
        self.order = Order(len(dataset), config.batch_size, config.seed)
        self.notice = ""  # for the user, for as long as the run goes on

    def _restore_scaling(self) -> bool:
        known = self.run.config().get("scaling") if self.run and self.run.checkpoints() else None
        if known is not None:
            self.generator.scaling.load_dict(known)
        return known is not None

    def record_config(self) -> None:
        """config.json as it is now, the scaling included."""
        assert self.run is not None
        self.run.write_config(run_description(self.generator, self.dataset, self.config) | self.generator.describe())

    def steps(self) -> Iterator[StepRecord]:
        """Step until done, cancelled or broken."""
        config, run, clock = self.config, self.run, self.heartbeat.clock
        done = self._resumed()
        saved = shown = began = clock()
        with run.open_metrics() if run else nullcontext() as metrics:
            for step in range(done + 1, config.steps + 1):
                record = self._step(step)
                self.average.update(self.generator, step)
                if metrics:
                    metrics.write(json.dumps(record.to_dict()) + "\n")
                now = clock()
                self._report(step, (step - done) / max(now - began, 1e-9))
                stopping = step == config.steps or (run is not None and run.cancel_requested)
                if run and (stopping or now - saved >= config.checkpoint_seconds):
                    self._checkpoint(run, step)
                    saved = clock()
                # previews thin out with time, so that a run of days does not fill the disk
                if run and (stopping or step == 1 or now - shown >= max(config.preview_seconds, (now - began) / 50)):
                    self._preview(run, step)
                    shown = clock()
                yield record
                if stopping and step < config.steps:
                    self.heartbeat.update(state="cancelled", seconds_left=None)
                    return
        self._finish()

    def _resumed(self) -> int:
        """Step of the newest checkpoint, restored; 0 for a new run. Metrics beyond it are forgotten."""
        if self.run is None:
            return 0
        checkpoints = self.run.checkpoints()
        done = 0
        if checkpoints:
            done = self._restored(checkpoints)
        self.run.cut_metrics(done)
        self.heartbeat.update(step=done)
        return done

    def _restored(self, checkpoints: list[Path]) -> int:
        """Step of the newest good one; those that are damaged make room, and the status says so."""
        try:
            _, done, faults = newest_good(
                checkpoints, lambda one: one.restore(self.generator, self.average.generator, self.optimizers)
            )
        except ModelError as error:
            raise RunError(f"{error} Start another run.") from error
        for damaged in checkpoints[len(checkpoints) - len(faults) :]:
            set_aside(damaged)
        if faults:
            self.notice = f"Went on from step {done}, because a newer checkpoint is damaged: {' '.join(faults)[:300]}"
            self.heartbeat.update(message=self.notice)
        return done

    def _step(self, step: int) -> StepRecord:
        began = time.perf_counter()
        rng = torch.Generator(self.fabric.device).manual_seed(self.config.seed * 1_000_003 + step)
        terms: dict[str, float] = {}
        for position, phase in enumerate(active_phases(self.generator.phases, step, self.config.steps)):
            indices = self.order.indices(step * len(self.generator.phases) + position)
            batch = self.dataset.batch(indices).to(self.fabric.device)
            self._only(phase.name)
            optimizer = self.optimizers[phase.name]
            self._set_rate(phase.name, step)
            optimizer.zero_grad(set_to_none=True)
            losses = self.module.loss(batch, phase.name, rng)
            self.fabric.backward(losses["total"])
            if self._clip is not None:
                self.fabric.clip_gradients(self.module, optimizer, max_norm=self._clip, error_if_nonfinite=False)
            optimizer.step()
            terms |= {f"{phase.name}.{name}": float(value.detach()) for name, value in losses.items()}
        broken = [name for name, value in terms.items() if not math.isfinite(value)]
        if broken:
            raise RunError(
                f"{broken[0]} is not finite at step {step}; resume with a lower learning rate or a larger batch."
            )
        return StepRecord(step, terms, time.perf_counter() - began)

    @property
    def _clip(self) -> float | None:
        return self.config.clip if self.config.clip is not None or self.generator.critics else 1.0

    def _only(self, phase: str) -> None:
        if len(self.generator.phases) > 1:
            own = set(self.generator.parameters_of(phase))
            for parameter in self.generator.parameters():
                parameter.requires_grad_(parameter in own)

    def _set_rate(self, phase: str, step: int) -> None:
        config = self.config
        factor = min(1.0, step / max(1, config.warmup))
        cosine = config.schedule == "cosine" or (config.schedule == "auto" and not self.generator.critics)
        if cosine:
            factor *= FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * step / config.steps)) / 2
        for group, peak in zip(self.optimizers[phase].param_groups, self.peaks[phase], strict=True):
            group["lr"] = peak * factor

    def _report(self, step: int, rate: float) -> None:
        self.heartbeat.update(
            state="running",
            step=step,
            examples_per_second=rate * self.config.batch_size,
            seconds_left=(self.config.steps - step) / rate,
        )

    def _checkpoint(self, run: RunDirectory, step: int) -> None:
        folder = run.path / "checkpoints"
        save_checkpoint(folder, step, self.generator, self.average.generator, self.optimizers)

    def _preview(self, run: RunDirectory, step: int) -> None:
        n = self.config.previews
        if n == 0:
            return
        average = self.average.generator
        rows = average.scaling.label_rows.cpu()
        labels = rows[torch.arange(n) % len(rows)] if "labels" in average.accepted else None
        rng = torch.Generator().manual_seed(self.config.seed)  # the same noise each time: what changes is the model
        batch = average.sample(n if labels is None else Condition(labels=labels), rng=rng)
        drawn = batch.condition.labels
        run.write_preview(Preview(step, batch.values.numpy(), None if drawn is None else drawn.numpy()))

    def _finish(self) -> None:
        self.generator.load_state_dict(self.average.generator.state_dict())
        self.generator.requires_grad_(True)
        if self.generator.calibrated:
            self._calibrate()
        self.heartbeat.update(seconds=self.heartbeat.seconds)
        status = self.heartbeat.status
        self.generator.provenance = provenance_of(self.dataset, self.config, status, status.step)
        self.generator.to("cpu").eval()
        self.heartbeat.update(state="finished", seconds_left=0.0)

    def _calibrate(self) -> None:
        """After a short run with fewer examples, or none: the correction must not cost more than the training."""
        self.heartbeat.update(message="Correcting spectra.")
        most = self.config.steps * self.config.batch_size // 10
        rng = torch.Generator().manual_seed(self.config.seed)
        correct = quieten if self.generator.stop_band_only else calibrate
        correct(self.generator, _some_batches(self.dataset, self.config.seed), most, rng)
        self.heartbeat.update(message=self.notice)
        if self.run:
            self.record_config()  # the run itself can be loaded as a generator


def run_description(generator: Generator, dataset: Dataset, config: RunConfig) -> dict[str, Any]:
    """What config.json of a run says besides the generator: the settings of the run and where its data are."""
    return {
        "format": 1,
        "run": config.model_dump(mode="json"),
        "dataset": {
            "path": str(dataset.path.resolve()),
            "name": dataset.name,
            "hash": dataset.info.get("hash", ""),
            "part": dataset.part,
        },
        "versions": versions(),
        "threads": torch.get_num_threads(),
    }


def _some_batches(dataset: Dataset, seed: int) -> Iterator[Batch]:
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:SCALING_EXAMPLES]
    for begin in range(0, len(chosen), 256):
        yield dataset.batch(chosen[begin : begin + 256])


def _precision(config: RunConfig) -> Any:
    if config.precision != "auto":
        return config.precision
    on_cuda = config.accelerator == "cuda" or (config.accelerator == "auto" and torch.cuda.is_available())
    return "bf16-mixed" if on_cuda else "32-true"


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
