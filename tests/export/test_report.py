import re

import pytest

from synth_core.errors import DamagedFile
from synth_core.export import About, open_evaluation, report_document, report_page, save_evaluation
from synth_core.export.methods import papers_of, references
from synth_core.metrics.verdict import TITLES
from tests.export.reports import small_report

HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
ABOUT = About("r1", "d", "train part of d", "test part of d", "60 examples of generator g", "2026-01-02T03:04:05+00:00")


@pytest.fixture(scope="module")
def page() -> str:
    return report_page(small_report(), ABOUT)


def without_library(page: str) -> str:
    """The page after the library that draws its figures."""
    return page[page.index("<body>") :]


def test_the_page_loads_nothing_and_brings_its_library_once(page):
    assert page.count("plotly.js v") == 1
    assert not re.search(r'(src|href)="(?!data:image/png|#)', without_library(page))
    assert len(without_library(page)) < 2_000_000


def test_answers_come_first_with_a_shape_and_a_word(page):
    body = without_library(page)
    places = [body.index(f"<b>{title}</b>") for title in TITLES.values()]
    assert places == sorted(places)
    assert places[-1] < body.index("Look at these first") < body.index("<table>")
    assert "Near &amp; &lt;real&gt;." in body
    assert all(answer in body for answer in ("Partly", "Not known", "Yes", "No"))


def test_failures_are_drawn_a_copy_beside_its_original(page):
    body = without_library(page)
    assert (
        body.index("Synthetic no. 7") < body.index("Synthetic no. 3, similarity 0.90") < body.index("Training no. 41")
    )
    assert body.count("<path d=") > 6


def test_methods_name_sizes_seed_and_papers(page):
    body = without_library(page)
    for said in ("50 held-out real examples of 12 subjects", "with seed 0", "Gray AH", "Not a medical device"):
        assert said in body
    assert "Heusel" not in body  # no Fréchet distance in this report


def test_every_measure_that_exists_has_a_paper():
    for name in ("log-spectral distance", "spectral Wasserstein", "amplitude distance", "Fréchet distance, encoder"):
        assert papers_of(name)
    for name in ("kernel distance (KID)", "precision", "coverage", "told apart (AUROC)", "closer to training"):
        assert papers_of(name)
    assert papers_of("usefulness, network")
    assert not papers_of("an unknown quantity")
    assert any("Kynkäänniemi" in paper for paper in references(small_report()))


def test_names_from_files_cannot_leave_their_place():
    about = About(*(HOSTILE for _ in range(6)), commands=(HOSTILE,), sources=(HOSTILE,), notes=(HOSTILE,))
    body = without_library(report_page(small_report((HOSTILE, "b"), (HOSTILE, "C4")), about))
    assert "<img" not in body
    assert 'alert("x")</script>' not in body
    assert body.count("</script>") == body.count("<script")


def test_an_evaluation_reads_back_as_it_was_written(tmp_path):
    report = small_report()
    opened, about = open_evaluation(save_evaluation(report, ABOUT, tmp_path / "one"))
    assert about == ABOUT
    assert report_document(opened, about) == report_document(report, ABOUT)
    assert [m.verdict for m in opened.measures] == [m.verdict for m in report.measures]
    assert opened.evidence.findings[1].original_values == pytest.approx(report.evidence.findings[1].original_values)


def test_a_damaged_evaluation_is_refused_in_a_sentence(tmp_path):
    folder = save_evaluation(small_report(), ABOUT, tmp_path / "one")
    (folder / "evidence.npz").write_bytes(b"PK")
    with pytest.raises(DamagedFile, match="make it again"):
        open_evaluation(folder)
