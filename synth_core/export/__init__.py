"""Writing batches and reports for other programs."""

from synth_core.export.npz import read_npz, write_npz
from synth_core.export.report import report_page

__all__ = ["read_npz", "report_page", "write_npz"]
