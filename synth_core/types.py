"""What one example is (DataSpec), what can be asked for (Condition), and a set of examples (Batch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from synth_core.errors import SpecMismatch

Modality = Literal["eeg", "ecg", "ct"]

UNITS: dict[str, str] = {"eeg": "uV", "ecg": "mV", "ct": "HU"}


@dataclass(frozen=True)
class DataSpec:
    """What one example is.

    Parameters
    ----------
    modality : "eeg", "ecg" or "ct".
    shape : (channels, samples) for signals, (1, height, width) for CT.
    unit : "uV" for EEG, "mV" for ECG, "HU" for CT.
    rate : sampling rate in Hz; for CT pixels per mm.
    channels : one name per channel, in the order of the first axis; may be empty for CT.
    classes : names of the classes, in the order of the columns of `Condition.labels`.

    Raises
    ------
    SpecMismatch : when the fields contradict one another.
    """

    modality: Modality
    shape: tuple[int, ...]
    unit: str
    rate: float
    channels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.modality not in UNITS:
            raise SpecMismatch(f"The modality must be one of {', '.join(UNITS)}. Got {self.modality!r} instead.")
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "classes", tuple(self.classes))
        wanted = "(1, height, width)" if self.is_image else "(channels, samples)"
        if len(self.shape) != (3 if self.is_image else 2) or min(self.shape) < 1:
            raise SpecMismatch(f"The shape of one {self.modality} example must be {wanted}. Got {self.shape} instead.")
        if self.is_image and self.shape[0] != 1:
            raise SpecMismatch(f"One CT example has one channel, {wanted}. Got {self.shape} instead.")
        if self.unit != UNITS[self.modality]:
            expected = UNITS[self.modality]
            raise SpecMismatch(f"Values of modality {self.modality} are in {expected}. Got {self.unit!r} instead.")
        if not self.rate > 0:
            raise SpecMismatch(f"The rate must be positive. Got {self.rate} instead.")
        if self.channels and len(self.channels) != self.shape[0]:
            raise SpecMismatch(f"{len(self.channels)} channel names were given for {self.shape[0]} channels.")
        if len(set(self.classes)) != len(self.classes):
            raise SpecMismatch(f"Class names must differ. Got {self.classes}.")

    @property
    def is_image(self) -> bool:
        """True for CT slices, False for signals."""
        return self.modality == "ct"

    @property
    def seconds(self) -> float:
        """Duration of one signal example in seconds."""
        return self.shape[-1] / self.rate

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` is the inverse."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> DataSpec:
        """Read what `to_dict` wrote; a missing or unknown field is a SpecMismatch."""
        try:
            return cls(**fields)
        except TypeError as error:
            raise SpecMismatch(f"A data specification has wrong fields: {error}.") from error


@dataclass(frozen=True)
class Condition:
    """Everything a generator can be asked for; None means not given.

    Parameters
    ----------
    labels : (n, classes) of 0 and 1, several may be 1.
    severity : (n,) in [0, 1], NaN where that of an example is not known.
    mask : (n, 1, height, width) in [0, 1], the lesion.
    """

    labels: Tensor | None = None
    severity: Tensor | None = None
    mask: Tensor | None = None

    def __len__(self) -> int:
        for value in self._given().values():
            return len(value)
        return 0

    @property
    def given(self) -> frozenset[str]:
        """Names of the parts that are given."""
        return frozenset(self._given())

    def _given(self) -> dict[str, Tensor]:
        parts = {"labels": self.labels, "severity": self.severity, "mask": self.mask}
        return {name: value for name, value in parts.items() if value is not None}

    def select(self, indices: Tensor | Sequence[int] | slice) -> Condition:
        """The same condition for some of the examples, in the order of `indices`."""
        return Condition(**{name: value[indices] for name, value in self._given().items()})

    def to(self, device: torch.device | str) -> Condition:
        """The same condition on another device."""
        return Condition(**{name: value.to(device) for name, value in self._given().items()})

    def check(self, spec: DataSpec, n: int) -> None:
        """Raise SpecMismatch unless every given part fits `n` examples of `spec`."""
        expected = {"labels": (n, len(spec.classes)), "severity": (n,), "mask": (n, 1, *spec.shape[-2:])}
        if self.mask is not None and not spec.is_image:
            raise SpecMismatch("A mask can be given for CT only.")
        for name, value in self._given().items():
            if tuple(value.shape) != expected[name]:
                got = tuple(value.shape)
                raise SpecMismatch(f"Condition.{name} must have shape {expected[name]}. Got {got} instead.")
            fits = (value >= 0) & (value <= 1)
            if name == "severity":
                fits |= value.isnan()
            if not bool(fits.all()):
                raise SpecMismatch(f"Condition.{name} must lie in [0, 1].")


@dataclass(frozen=True)
class Batch:
    """Examples in physical units, with what is known about each.

    Parameters
    ----------
    values : (n, *spec.shape) float32, in `spec.unit`.
    spec : what one example is.
    condition : labels, severity, lesion masks of the same n examples.
    subjects : one name per example, or None for synthetic ones.
    origin : of synthetic examples, what is known of the generator that drew them; None for others.

    Raises
    ------
    SpecMismatch : when shape, type or number contradict the spec; the message gives both.
    """

    values: Tensor
    spec: DataSpec
    condition: Condition = Condition()
    subjects: tuple[str, ...] | None = None
    origin: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.values.shape)
        if shape[1:] != self.spec.shape:
            raise SpecMismatch(
                f"Values must have shape (n, {', '.join(map(str, self.spec.shape))}). Got {shape} instead."
            )
        if self.values.dtype != torch.float32:
            raise SpecMismatch(f"Values must be float32. Got {self.values.dtype} instead.")
        self.condition.check(self.spec, len(self.values))
        if self.subjects is not None and len(self.subjects) != len(self.values):
            raise SpecMismatch(f"{len(self.subjects)} subjects were given for {len(self.values)} examples.")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def synthetic(self) -> bool:
        """Whether the examples are known to come from a generator."""
        return self.origin is not None

    def select(self, indices: Tensor | Sequence[int] | slice) -> Batch:
        """Some of the examples, in the order of `indices`."""
        positions = torch.arange(len(self))[indices]
        subjects = None if self.subjects is None else tuple(self.subjects[int(i)] for i in positions)
        return replace(self, values=self.values[indices], condition=self.condition.select(indices), subjects=subjects)

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return replace(self, values=self.values.to(device), condition=self.condition.to(device))
