"""Fidelity measured, each number beside its floor."""
