"""Generators: one method, one file, one paper; `REGISTRY` names them."""

from __future__ import annotations

from typing import Any

import torch

from synth_core.errors import InvalidSetting
from synth_core.generators.base import Generator, GeneratorConfig, Phase
from synth_core.generators.cwgan import ConditionalWGAN
from synth_core.generators.diffwave import DiffWave
from synth_core.generators.flow import Flow
from synth_core.generators.gan import DenseGAN
from synth_core.generators.heartbeat import Heartbeat
from synth_core.generators.memorise import Memorise
from synth_core.generators.surrogate import Surrogate
from synth_core.generators.time_diffusion import TimeDiffusion
from synth_core.generators.time_vqvae import TimeVQVAE
from synth_core.generators.wavegan import WaveGAN
from synth_core.generators.wgan_gp import WGANGP
from synth_core.types import DataSpec

METHODS = (Flow, Heartbeat, DiffWave, TimeDiffusion, TimeVQVAE, WGANGP, WaveGAN, ConditionalWGAN, DenseGAN)
CONTROLS = (Surrogate, Memorise)  # what an evaluation must see through

REGISTRY: dict[str, type[Generator]] = {generator.name: generator for generator in (*METHODS, *CONTROLS)}


def build(name: str, spec: DataSpec, *, seed: int = 0, **config: Any) -> Generator:
    """A new, untrained generator: the same seed gives the same weights, in any process.

    Parameters
    ----------
    name : one of REGISTRY.
    spec : what one example is.
    seed : of the first weights; the random state of torch is left as it was.
    config : settings of the generator. `preset="paper"` takes the settings of its source, `preset="modern"` (also
        without it) the defaults; settings given beside it win.

    Raises
    ------
    InvalidSetting : for a name that is not in REGISTRY, or a setting that the generator refuses.
    SpecMismatch : when the generator cannot make this modality.
    """
    if name not in REGISTRY:
        raise InvalidSetting(f"There is no generator {name!r}. Known are {', '.join(sorted(REGISTRY))}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return REGISTRY[name](spec, config)


__all__ = ["REGISTRY", "Generator", "GeneratorConfig", "Phase", "build"]
