"""Writing batches for other programs."""

from synth_core.export.npz import read_npz, write_npz

__all__ = ["read_npz", "write_npz"]
