"""Training runs: start, watch, cancel, resume."""
