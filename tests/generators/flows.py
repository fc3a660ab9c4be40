"""What the tests of the flow share."""

from __future__ import annotations

import torch

from synth_core.generators import build
from synth_core.generators.flow import Flow
from synth_core.types import Batch

SMALL = {"dim": 32, "depth": 1, "width": 8, "steps": 2}


def fitted_to(batch: Batch, **config: object) -> Flow:
    """A small flow, scaled to the examples but not trained; the same every time."""
    torch.manual_seed(0)
    generator = build("flow", batch.spec, **(SMALL | config))
    assert isinstance(generator, Flow)
    generator.scaling.fit([batch])
    return generator
