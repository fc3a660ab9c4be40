"""A small report with everything in it: classes, channels, both kinds of findings, all verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np

from synth_core.metrics.measure import Measure
from synth_core.metrics.report import Evidence, Finding, Report
from synth_core.metrics.score import Score
from synth_core.metrics.verdict import Verdict
from synth_core.types import DataSpec

SETTINGS: dict[str, Any] = {
    "modality": "eeg",
    "unit": "uV",
    "seed": 0,
    "training examples": 90,
    "held-out examples": 50,
    "held-out subjects": 12,
    "synthetic examples": 60,
    "examples per side in distances": 50,
    "features": 14,
    "frequencies compared": "1 to 39 Hz",
    "versions": {"python": "3.11"},
}


def measure(name: str = "log-spectral distance", value: float = 0.5, part: str = "all", **more: Any) -> Measure:
    score = Score.against(more.pop("floor", 1.0), value, (0.8 * value, 1.2 * value), n_real=50, n_synthetic=50)
    return Measure(name, "dB", part, more.pop("better", "lower"), score, "A difference.", **more)


def small_report(classes: tuple[str, ...] = ("rest", "task"), channels: tuple[str, ...] = ("C3", "C4")) -> Report:
    rng = np.random.default_rng(0)
    spec = DataSpec("eeg", (len(channels), 256), "uV", 128.0, channels, classes)
    freqs, psd = np.arange(1.0, 40), rng.lognormal(size=(50, len(channels), 39))
    values = rng.normal(0, 30, size=spec.shape).astype(np.float32)
    findings = (Finding("least realistic", 7, 0.99, values), Finding("closest copy", 3, 0.9, values, 41, -values))
    labels = np.eye(len(classes))[np.arange(50) % len(classes)]
    evidence = Evidence(spec, freqs, psd, 2 * psd, labels, labels, rng.normal(size=500), rng.normal(size=500), findings)
    measures = [measure(), measure("recall", 0.2, better="higher"), measure("kernel distance (KID)", floor=-0.1)]
    measures += [measure(part=name, value=2.0, split="class") for name in classes]
    measures += [measure(part=name, value=5.0, split="channel") for name in channels]
    measures.append(measure("closer to training", 0.6, floor=0.5, question="safety", near=1.2))
    verdicts = (
        Verdict("realism", "partly", "Near & <real>.", ("log-spectral distance",)),
        Verdict("usefulness", "not known", "Not measured."),
        Verdict("safety", "yes", "No sign."),
        Verdict("certainty", "no", "Few."),
    )
    return Report(verdicts, tuple(measures), ("Only 50 examples.",), SETTINGS, evidence)
