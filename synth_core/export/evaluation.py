"""An evaluation as a directory: report.json for machines, report.html for people, evidence.npz for its figures."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synth_core.errors import DamagedFile, SpecMismatch
from synth_core.export.about import About
from synth_core.export.report import report_page
from synth_core.metrics.measure import Measure
from synth_core.metrics.report import Evidence, Finding, Report
from synth_core.metrics.score import Score
from synth_core.metrics.verdict import Verdict
from synth_core.storage import publish_directory, read_json, write_json_atomic
from synth_core.types import DataSpec

REPORT, PAGE, EVIDENCE = "report.json", "report.html", "evidence.npz"
LARGEST = 2**30  # bytes of the arrays of one evaluation
_ARRAYS = ("freqs", "real_psd", "synthetic_psd", "real_values", "synthetic_values")
_OPTIONAL = ("real_labels", "synthetic_labels")


def report_document(report: Report, about: About) -> dict[str, Any]:
    """The content of report.json: `Report.to_dict` and what it is about."""
    return {**report.to_dict(), "about": about.to_dict()}


def save_evaluation(report: Report, about: About, folder: Path) -> Path:
    """Write a new directory `folder`; it appears whole or not at all."""
    with publish_directory(folder) as target:
        write_json_atomic(target / REPORT, report_document(report, about))
        (target / PAGE).write_text(report_page(report, about), encoding="utf-8")
        np.savez_compressed(target / EVIDENCE, allow_pickle=False, **_arrays(report.evidence))
    return folder


def open_evaluation(folder: Path) -> tuple[Report, About]:
    """Read what `save_evaluation` wrote.

    Raises
    ------
    DataError : report.json is absent or no JSON.
    DamagedFile : a part is missing or contradicts another.
    """
    given = read_json(folder / REPORT)
    try:
        with zipfile.ZipFile(folder / EVIDENCE) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise ValueError("the arrays are larger than 1 GiB")
        with np.load(folder / EVIDENCE, allow_pickle=False) as arrays:
            evidence = _evidence(given, dict(arrays))
        verdicts = tuple(
            Verdict(one["question"], one["answer"], one["sentence"], tuple(one["evidence"]))
            for one in given["verdicts"]
        )
        measures = tuple(_measure(one) for one in given["measures"])
        report = Report(verdicts, measures, tuple(given["limits"]), given["settings"], evidence)
        return report, About.from_dict(given["about"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, SpecMismatch) as error:
        raise DamagedFile(folder, f"is not an evaluation of this version ({error}); make it again.") from error


def _arrays(evidence: Evidence) -> dict[str, np.ndarray]:
    present = [name for name in (*_ARRAYS, *_OPTIONAL) if getattr(evidence, name) is not None]
    arrays = {name: np.asarray(getattr(evidence, name), np.float32) for name in present}
    for k, finding in enumerate(evidence.findings):
        arrays[f"finding-{k}"] = finding.values
        if finding.original_values is not None:
            arrays[f"original-{k}"] = finding.original_values
    return arrays


def _evidence(given: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Evidence:
    read: dict[str, Any] = {name: arrays[name].astype(np.float64) for name in _ARRAYS}
    read |= {name: arrays[name].astype(np.float64) if name in arrays else None for name in _OPTIONAL}
    findings = tuple(
        Finding(
            one["kind"],
            int(one["synthetic"]),
            float(one["value"]),
            arrays[f"finding-{k}"],
            one["training"],
            arrays.get(f"original-{k}"),
        )
        for k, one in enumerate(given["findings"])
    )
    return Evidence(DataSpec.from_dict(given["spec"]), **read, findings=findings)


def _measure(given: Mapping[str, Any]) -> Measure:
    value, low, high, floor, ratio, limit, leaked = (
        math.nan if given.get(name) is None else float(given[name])
        for name in ("value", "low", "high", "floor", "ratio", "limit", "leaked")  # the last two came later
    )
    score = Score(value, low, high, floor, ratio, int(given["n_real"]), int(given["n_synthetic"]), limit)
    return Measure(
        given["measure"],
        given["unit"],
        given["part"],
        given["better"],
        score,
        given["meaning"],
        near=float(given["near"]),
        question=given["question"],
        split=given["split"],
        leaked=leaked,
        clinical=bool(given.get("clinical", False)),
    )
