"""What every generator is: a declared capability, a scaling it owns, a loss per phase, and a sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.generators.scaling import Scaling
from synth_core.settings import checked
from synth_core.types import Batch, Condition, DataSpec


@dataclass(frozen=True)
class Phase:
    """One objective of a generator, as the training loop sees it.

    Alternating phases use `every`: the phase runs on each step that `every` divides (WGAN: critic 1, generator 5).
    Phases that follow one another use `share`: the part of all steps that belongs to the phase.
    """

    name: str
    every: int = 1
    share: float = 1.0


class GeneratorConfig(BaseModel):
    """Settings of a generator: bounds, unit, default and a reason for each, so that a form can be drawn from it.

    The defaults of the fields are the preset "modern". `PRESETS` of a subclass holds, for each other preset, the
    settings in which it differs; they stand in for what is not given, wherever the settings come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {}

    preset: Literal["paper", "modern"] = Field(
        "modern",
        title="Preset",
        description="paper: the settings of the source; modern: what trains better today. Explicit settings win.",
    )
    derive_leads: bool = Field(
        True,
        title="Derive limb leads",
        description="Make I, II and V1 … V6 and compute III, aVR, aVL and aVF: Einthoven's law then holds exactly.",
        json_schema_extra={"modalities": ["ecg"]},
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        chosen = given.get("preset") if isinstance(given, dict) else None
        return cls.PRESETS.get(chosen, {}) | given if isinstance(chosen, str) else given


class Generator(nn.Module, ABC):
    """A conditional generator of one kind of example.

    A subclass declares what it can do as class attributes, builds its networks in `build`, and implements
    `loss` and `sample_scaled`. Inside, values are scaled by `self.scaling`; everywhere outside they are physical.

    Raises
    ------
    SpecMismatch : when the modality is not one of `modalities`.
    InvalidSetting : when the config does not fit.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]
    modalities: ClassVar[frozenset[str]]
    conditions: ClassVar[frozenset[str]]
    phases: tuple[Phase, ...]  # of the class, or of one instance where they follow from its config
    Config: ClassVar[type[GeneratorConfig]]
    warning: ClassVar[str] = ""  # what whoever holds a model of it must know; stands on its card
    critics: ClassVar[tuple[str, ...]] = ()  # submodules that only training needs: left out of the moving average
    growth: ClassVar[float] = 1.0  # memory and arithmetic of a step: at most values per channel to this power
    copied: ClassVar[tuple[str, ...]] = ()  # submodules that the moving average copies: codes mean one set of weights

    def __init__(self, spec: DataSpec, config: GeneratorConfig | dict[str, Any] | None = None) -> None:
        super().__init__()
        if spec.modality not in self.modalities:
            able = ", ".join(sorted(self.modalities))
            raise SpecMismatch(f"Generator {self.name} makes {able}. Got a dataset of {spec.modality} instead.")
        self.spec = spec
        self.config: Any = (
            config
            if isinstance(config, self.Config)
            else checked(self.Config, dict(config or {}), f"generator {self.name}")
        )
        self.scaling = Scaling(spec, self.whitening, self.config.derive_leads)
        self.provenance: dict[str, Any] = {}  # where the weights come from; see training.provenance
        self.build()

    @abstractmethod
    def build(self) -> None:
        """Make the networks from `self.spec` and `self.config`."""

    @abstractmethod
    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Terms of the objective of one phase; "total" is what is minimised, the rest is for the record."""

    @abstractmethod
    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """(n, *scaling.shape) in scaled values."""

    @abstractmethod
    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """The optimiser of one phase, over `parameters_of(phase)`."""

    def parameters_of(self, phase: str) -> list[nn.Parameter]:
        """The parameters that a phase may move."""
        return list(self.parameters())

    @property
    def whitening(self) -> float:
        """Exponent of the spectral whitening that this generator works in; 0 for none."""
        return 0.0

    @property
    def calibrated(self) -> bool:
        """Whether the spectra of what it draws are corrected after training; see calibration.py."""
        return False

    @property
    def stop_band_only(self) -> bool:
        """Whether that correction is of the source's stop band alone, and takes away only; see stop_band.py."""
        return False

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences for the card on what this instance found in its data; none where there is nothing to say."""
        return ()

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @property
    def accepted(self) -> frozenset[str]:
        """The conditions that this instance answers to, given its spec."""
        possible = (
            {"severity"} | ({"labels"} if self.spec.classes else set()) | ({"mask"} if self.spec.is_image else set())
        )
        return self.conditions & possible

    def sample(
        self,
        condition_or_n: Condition | int,
        *,
        rng: torch.Generator,
        steps: int | None = None,
        guidance: float | None = None,
    ) -> Batch:
        """Draw synthetic examples.

        Parameters
        ----------
        condition_or_n : a Condition of n examples, or n: conditions are then drawn as often as training saw them.
        rng : the only source of randomness; a CPU generator gives the same noise on every device.
        steps : sampler steps, for generators that have them; None is the configured number.
        guidance : strength of classifier-free guidance, for generators that have it; None is the configured one.

        Returns
        -------
        Batch of (n, *spec.shape) float32 in the physical unit of the spec, on the CPU.

        Raises
        ------
        SpecMismatch : for a condition of the wrong shape.
        InvalidSetting : for a condition that this generator does not know, or n < 1.
        """
        condition = self._requested(condition_or_n, rng)
        n = condition_or_n if isinstance(condition_or_n, int) else len(condition)
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                scaled = self.sample_scaled(condition.to(self.device), n, rng=rng, steps=steps, guidance=guidance)
                values = self.scaling.to_physical(scaled.float(), self.scaling.balance_of(condition.labels, n))
        finally:
            self.train(was_training)
        return Batch(values=values.cpu(), spec=self.spec, condition=condition.to("cpu"))

    def _requested(self, condition_or_n: Condition | int, rng: torch.Generator) -> Condition:
        if isinstance(condition_or_n, int):
            if condition_or_n < 1:
                raise InvalidSetting(f"The number of examples must be at least 1. Got {condition_or_n} instead.")
            labels = self.scaling.draw_labels(condition_or_n, rng) if "labels" in self.accepted else None
            return Condition(labels=labels)
        unknown = condition_or_n.given - self.accepted
        if unknown:
            able = ", ".join(sorted(self.accepted)) or "no condition"
            raise InvalidSetting(f"Generator {self.name} accepts {able} here. Got {', '.join(sorted(unknown))}.")
        if len(condition_or_n) == 0:
            raise InvalidSetting("An empty condition does not say how many examples to draw; give a number instead.")
        condition_or_n.check(self.spec, len(condition_or_n))
        return condition_or_n

    def noise(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Standard normal noise from `rng`, on this generator's device."""
        return torch.randn(shape, generator=rng, device=rng.device).to(self.device)

    def describe(self) -> dict[str, Any]:
        """What `config.json` of a model holds: enough to build this generator again."""
        return {
            "generator": self.name,
            "spec": self.spec.to_dict(),
            "config": self.config.model_dump(mode="json"),
            "scaling": self.scaling.to_dict(),
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> Self:
        """The inverse of `describe`, with untrained parameters."""
        generator = cls(DataSpec.from_dict(description["spec"]), description["config"])
        generator.scaling.load_dict(description["scaling"])
        return generator
