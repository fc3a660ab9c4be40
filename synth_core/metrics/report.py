"""What an evaluation found: measures with their scores, verdicts in words, and the arrays for its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synth_core.metrics.score import Score

Floats = NDArray[np.float64]
Question = Literal["realism", "usefulness", "safety"]


@dataclass(frozen=True)
class Measure:
    """One measure of one part of the data.

    Parameters
    ----------
    name, unit : what is measured, and in what; "" for a pure number.
    part : "all", or the class or channel that it is restricted to.
    better : which direction is towards real data.
    score : the numbers.
    meaning : one sentence for a reader who meets the measure for the first time.
    near : ratio to the floor up to which a measure whose lower values are better is near; less than 2 for measures
        that begin at one half.
    question : which of the questions of an evaluation it helps to answer.
    split : what `part` names: "class", "channel", or "all" for the whole.
    """

    name: str
    unit: str
    part: str
    better: Literal["lower", "higher"]
    score: Score
    meaning: str
    near: float = 2.0
    question: Question = "realism"
    split: Literal["all", "class", "channel"] = "all"

    @property
    def verdict(self) -> str:
        """One of as real, near, far (by the interval against the floor, then the ratio); not known without a floor."""
        score = self.score
        if math.isnan(score.floor) or math.isnan(score.value):
            return "not known"
        bound = score.low if self.better == "lower" else score.high
        reached = score.value if math.isnan(bound) else bound
        if (reached <= score.floor) if self.better == "lower" else (reached >= score.floor):
            return "as real"
        if math.isnan(score.ratio):
            return "far"
        return "near" if (score.ratio <= self.near if self.better == "lower" else score.ratio >= 0.8) else "far"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        fields = {"question": self.question, "measure": self.name, "unit": self.unit, "part": self.part}
        fields |= {"split": self.split, "better": self.better}
        return {**fields, **self.score.to_dict(), "verdict": self.verdict, "meaning": self.meaning}


@dataclass(frozen=True)
class Evidence:
    """Arrays that figures are drawn from.

    Parameters
    ----------
    freqs : (frequencies,) in Hz, or cycles per mm for CT.
    real_psd, synthetic_psd : (n, frequencies), geometric mean over channels, unit² / Hz (CT: HU² · mm²).
    real_values, synthetic_values : (m,) values drawn evenly from all examples, in the unit of the data.
    """

    freqs: Floats
    real_psd: Floats
    synthetic_psd: Floats
    real_values: Floats
    synthetic_values: Floats


@dataclass(frozen=True)
class Report:
    """The result of `evaluate`.

    Parameters
    ----------
    measures : in the order in which they should be read.
    sentences : the verdicts, then the limits of this evaluation.
    settings : seed, numbers of examples and subjects, modality, unit, and how each kind of measure was made.
    evidence : arrays for the figures.
    """

    measures: tuple[Measure, ...]
    sentences: tuple[str, ...]
    settings: Mapping[str, Any]
    evidence: Evidence = field(repr=False)

    def __getitem__(self, name: str) -> Score:
        """Score of a measure over all examples, by its name."""
        return self.score(name)

    def score(self, name: str, part: str = "all") -> Score:
        """Score of a measure of one part; KeyError names those that exist."""
        for measure in self.measures:
            if (measure.name, measure.part) == (name, part):
                return measure.score
        raise KeyError(f"{name} of {part} is not in this report; it has {sorted({m.name for m in self.measures})}")

    def table(self) -> pd.DataFrame:
        """One row per measure; the columns are the keys of `Measure.to_dict`."""
        return pd.DataFrame([measure.to_dict() for measure in self.measures])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the arrays."""
        return {
            "format": 1,
            "sentences": list(self.sentences),
            "measures": [measure.to_dict() for measure in self.measures],
            "settings": dict(self.settings),
        }

    def to_html(self, figures: Mapping[str, str] | None = None) -> str:
        """One self-contained page.

        Parameters
        ----------
        figures : caption → HTML of a figure; `synth_core.figures.report.report_page` makes the usual ones.
        """
        verdicts = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences)
        rows = "".join(_row(measure) for measure in self.measures)
        drawn = "".join(
            f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"
            for caption, drawing in (figures or {}).items()
        )
        settings = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in self.settings.items())
        return _PAGE.format(verdicts=verdicts, rows=rows, figures=drawn, settings=settings)


def _row(measure: Measure) -> str:
    score = measure.score
    interval = "" if math.isnan(score.low) else f"{_number(score.low)} to {_number(score.high)}"
    cells = [
        f'<td title="{escape(measure.meaning)}">{escape(measure.name)}</td>',
        f"<td>{escape(measure.part)}</td>",
        *(f'<td class="n">{text}</td>' for text in (_number(score.value), interval, _number(score.floor))),
        f"<td>{escape(measure.unit)}</td>",
        f'<td class="n">{_number(score.ratio)}</td>',
        f'<td class="n">{score.n_real} / {score.n_synthetic}</td>',
        f"<td>{measure.verdict}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluation of synthetic data</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d7dde3; }}
.n {{ text-align: right; white-space: nowrap; }}
figure {{ margin: 1.5rem 0; }} figcaption {{ color: #536273; }}
dl {{ display: grid; grid-template-columns: max-content auto; gap: .2rem 1.5rem; }} dd {{ margin: 0; }}
</style></head><body>
<h1>Evaluation of synthetic data</h1>
<ul>{verdicts}</ul>
<h2>Measures</h2>
<p>Value: synthetic against held-out real examples, with a 95 % interval over subjects. Floor: real training examples
against the same held-out ones, at the same number. Ratio: value over floor; 1 is as real as other real people.</p>
<table><thead><tr><th>Measure</th><th>Part</th><th class="n">Value</th><th class="n">95 % interval</th>
<th class="n">Floor</th><th>Unit</th><th class="n">Ratio</th><th class="n">n real / synthetic</th><th>Verdict</th></tr>
</thead><tbody>{rows}</tbody></table>
{figures}
<h2>Settings</h2><dl>{settings}</dl>
</body></html>
"""
