"""Drawing many examples from a generator, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch

from synth_core.errors import InvalidSetting
from synth_core.generators import Generator
from synth_core.types import Batch, Condition


def draw(
    generator: Generator,
    n: int,
    *,
    class_name: str | None = None,
    labels: torch.Tensor | None = None,
    seed: int = 0,
    steps: int | None = None,
    guidance: float | None = None,
    batch_size: int = 64,
    progress: Callable[[int, int, str], None] | None = None,
) -> Batch:
    """`n` examples of one class, of given label rows (n, classes), or of classes as frequent as in training.

    The same seed gives the same examples whatever the progress callback does; it may raise to cancel.

    Raises
    ------
    InvalidSetting : the class is not one of the generator's.
    """
    rng = torch.Generator().manual_seed(seed)
    if class_name is not None:
        labels = one_class(generator, class_name, n)
    elif labels is None and "labels" in generator.accepted:
        labels = generator.scaling.draw_labels(n, rng)
    parts: list[Batch] = []
    for begin in range(0, n, batch_size):
        size = min(batch_size, n - begin)
        asked = size if labels is None else Condition(labels=labels[begin : begin + size])
        parts.append(generator.sample(asked, rng=rng, steps=steps, guidance=guidance))
        if progress:
            progress(begin + size, n, "examples drawn")
    values = torch.cat([part.values for part in parts])
    return Batch(values, generator.spec, Condition(labels=labels))


def one_class(generator: Generator, name: str, n: int) -> torch.Tensor:
    """(n, classes) label rows of one class."""
    classes = generator.spec.classes
    if "labels" not in generator.accepted or name not in classes:
        known = ", ".join(classes) or "none"
        raise InvalidSetting(f"This generator has no class {name!r}. It knows: {known}.")
    row = torch.zeros(len(classes))
    row[classes.index(name)] = 1.0
    return row.repeat(n, 1)
