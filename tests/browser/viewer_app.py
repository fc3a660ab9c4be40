"""A page with both viewers on known arrays, for the browser tests."""

import numpy as np

from pages.shared.viewers import Stack, Trace, slices, waveforms

steps = 10 * np.arange(5, dtype=np.float32)[:, None, None] + np.zeros((5, 64, 64), np.float32)
slices([Stack(steps, 0.5), Stack(steps, 0.5)], key="ct", height=320)

seconds = np.arange(3000) / 100
wave = np.sin(2 * np.pi * 0.7 * seconds)[None].repeat(12, 0).astype(np.float32)
leads = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
waveforms([Trace(wave, 100, "mV", leads), Trace(wave / 2, 100, "mV", leads)], modality="ecg", key="ecg", height=400)
