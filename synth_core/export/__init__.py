"""Writing batches and reports for other programs."""

from synth_core.export.about import About
from synth_core.export.evaluation import open_evaluation, report_document, save_evaluation
from synth_core.export.npz import read_npz, write_npz
from synth_core.export.report import report_page

__all__ = ["About", "open_evaluation", "read_npz", "report_document", "report_page", "save_evaluation", "write_npz"]
