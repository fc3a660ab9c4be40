import numpy as np

from synth_core.figures import report_page
from synth_core.metrics.report import Evidence, Measure, Report
from synth_core.metrics.score import Score


def test_the_page_carries_its_figures_and_loads_nothing():
    rng = np.random.default_rng(0)
    score = Score.against(0.5, 1.0, (0.8, 1.2), n_real=50, n_synthetic=50)
    measure = Measure("log-spectral distance", "dB", "all", "lower", score, "Difference of the mean spectra.")
    freqs, psd = np.arange(1.0, 40), rng.lognormal(size=(50, 39))
    evidence = Evidence(freqs, psd, psd, rng.normal(size=500), rng.normal(size=500))
    page = report_page(Report((measure,), ("Near & <real>.",), {"unit": "uV", "modality": "eeg"}, evidence))
    assert page.count("plotly-graph-div") == 2
    assert 'src="http' not in page
    assert "Near &amp; &lt;real&gt;." in page
    assert "0.8 to 1.2" in page
