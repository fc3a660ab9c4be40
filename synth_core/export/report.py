"""An evaluation as one self-contained HTML page that also prints: answers first, then everything they rest on."""

from __future__ import annotations

import math
from html import escape

from synth_core.figures.report import report_figures
from synth_core.metrics.measure import Measure
from synth_core.metrics.report import Report

HEIGHT = 380


def report_page(report: Report) -> str:
    """The page; its first figure brings the drawing library along, so that nothing is loaded."""
    figures = "".join(
        f"<figure>{figure.update_layout(height=HEIGHT).to_html(full_html=False, include_plotlyjs=index == 0)}"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for index, (caption, figure) in enumerate(report_figures(report).items())
    )
    verdicts = "".join(f"<li>{escape(sentence)}</li>" for sentence in report.sentences)
    rows = "".join(_row(measure) for measure in report.measures)
    settings = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in report.settings.items())
    return _PAGE.format(verdicts=verdicts, rows=rows, figures=figures, settings=settings)


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
