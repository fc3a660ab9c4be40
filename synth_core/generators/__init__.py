"""Generators: one method, one file, one paper; `REGISTRY` names them."""

from __future__ import annotations

from typing import Any

from synth_core.errors import InvalidSetting
from synth_core.generators.base import Generator, GeneratorConfig, Phase
from synth_core.generators.flow import Flow
from synth_core.generators.memorise import Memorise
from synth_core.generators.surrogate import Surrogate
from synth_core.generators.wgan_gp import WGANGP
from synth_core.types import DataSpec

REGISTRY: dict[str, type[Generator]] = {generator.name: generator for generator in (Flow, WGANGP, Surrogate, Memorise)}


def build(name: str, spec: DataSpec, **config: Any) -> Generator:
    """A new, untrained generator.

    Raises
    ------
    InvalidSetting : for a name that is not in REGISTRY, or a setting that the generator refuses.
    SpecMismatch : when the generator cannot make this modality.
    """
    if name not in REGISTRY:
        raise InvalidSetting(f"There is no generator {name!r}. Known are {', '.join(sorted(REGISTRY))}.")
    return REGISTRY[name](spec, config)


__all__ = ["REGISTRY", "Generator", "GeneratorConfig", "Phase", "build"]
