import numpy as np

from synth_core.export import report_page
from synth_core.metrics.measure import Measure
from synth_core.metrics.report import Evidence, Report
from synth_core.metrics.score import Score
from synth_core.metrics.verdict import Verdict
from synth_core.types import DataSpec

SPEC = DataSpec("eeg", (1, 256), "uV", 128.0)


def test_the_page_carries_its_figures_and_loads_nothing():
    rng = np.random.default_rng(0)
    score = Score.against(0.5, 1.0, (0.8, 1.2), n_real=50, n_synthetic=50)
    measure = Measure("log-spectral distance", "dB", "all", "lower", score, "Difference of the mean spectra.")
    freqs, psd = np.arange(1.0, 40), rng.lognormal(size=(50, 1, 39))
    evidence = Evidence(SPEC, freqs, psd, psd, None, None, rng.normal(size=500), rng.normal(size=500))
    verdict = Verdict("realism", "partly", "Near & <real>.", ("log-spectral distance",))
    page = report_page(Report((verdict,), (measure,), (), {"unit": "uV", "modality": "eeg"}, evidence))
    assert page.count("plotly-graph-div") == 2
    assert 'src="http' not in page
    assert "Near &amp; &lt;real&gt;." in page
    assert "0.8 to 1.2" in page
