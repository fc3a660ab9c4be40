"""Recordings are looked at, prepared into datasets, and kept."""
