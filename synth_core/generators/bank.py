"""What the two controls share: a bank of training examples, filled as batches pass by."""

from __future__ import annotations

from abc import abstractmethod

import torch
from pydantic import Field
from torch import Tensor, nn

from synth_core.errors import InvalidSetting
from synth_core.generators.base import Generator, GeneratorConfig, Phase
from synth_core.types import Batch, Condition

LARGEST_BANK = 2**28  # values; 1 GiB, twice in every checkpoint
SAME = 1e-8  # mean squared distance, in scaled units, below which two examples are one
WARNING = (
    "A control, not a generator: this directory holds patients' recordings and must be kept like them; "
    "what it makes is not synthetic data."
)


class BankConfig(GeneratorConfig):
    """Settings of a generator that keeps training examples."""

    size: int = Field(
        512,
        title="Examples kept",
        ge=1,
        le=100_000,
        description="The first different ones that training shows; 512 of a shuffled set keep its variety.",
    )


class BankGenerator(Generator):
    """Keeps the first `size` different training examples, and makes each of its own from one of them.

    The bank is filled by `loss`, without gradients, and is a buffer: checkpoints, moving averages and model
    directories carry it unchanged. What is learnt by gradient is `centre`, the example that stands in for those that
    no stored one comes nearer to; before anything is stored, samples are noise about it.

    Raises
    ------
    InvalidSetting : when the bank would be larger than 2^28 values.
    """

    modalities = frozenset({"eeg", "ecg", "ct"})
    conditions = frozenset({"labels"})
    phases = (Phase("bank"),)
    warning = WARNING
    config: BankConfig
    stored: Tensor
    labels: Tensor
    count: Tensor

    def build(self) -> None:
        """An empty bank of scaled examples with their labels."""
        size, shape = self.config.size, self.scaling.shape
        values = size * torch.Size(shape).numel()
        if values > LARGEST_BANK:
            raise InvalidSetting(f"A bank of {size} such examples has {values:,} values; {LARGEST_BANK:,} are allowed.")
        self.centre = nn.Parameter(torch.zeros(shape))
        self.register_buffer("stored", torch.zeros(size, *shape))
        self.register_buffer("labels", torch.zeros(size, len(self.spec.classes)))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared distance from each example to the nearest of the bank and the centre; then it is stored.

        It falls to 0 as the bank comes to hold the training set. Where the bank is smaller, it ends at the distance of
        the others to their nearest stored neighbour.
        """
        data = self.scaling.to_scaled(batch.values).detach()
        nearest = self._distance_to_stored(data)
        from_centre = (data - self.centre).square().flatten(1).mean(1)
        new = (nearest > SAME) & _first_of_its_kind(batch.values)
        self._store(data[new], batch.condition.select(new))
        return {"total": torch.minimum(nearest, from_centre).mean(), "kept": self.count[0].float() / len(self.stored)}

    @torch.no_grad()
    def _distance_to_stored(self, data: Tensor) -> Tensor:
        filled = self.stored[: int(self.count)].flatten(1)
        flat = data.flatten(1)
        if not len(filled):
            return torch.full((len(data),), torch.inf, device=data.device)
        # the expanded square finds the nearest; the difference itself is exact where an example is met again
        nearest = ((filled**2).sum(1) - 2 * flat @ filled.T).argmin(1)
        return (flat - filled[nearest]).square().mean(1)

    @torch.no_grad()
    def _store(self, data: Tensor, condition: Condition) -> None:
        begin = int(self.count)
        end = min(len(self.stored), begin + len(data))
        self.stored[begin:end] = data[: end - begin]
        if condition.labels is not None and len(self.spec.classes):
            self.labels[begin:end] = condition.labels[: end - begin]
        self.count.fill_(end)

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """`altered` stored examples of the labels asked for; `steps` and `guidance` do not apply."""
        if not int(self.count):
            return self.centre + self.noise((n, *self.scaling.shape), rng)
        return self.altered(self.stored[self._chosen(condition, n, rng)], rng)

    @abstractmethod
    def altered(self, examples: Tensor, rng: torch.Generator) -> Tensor:
        """Scaled (n, *scaling.shape) from as many stored examples."""

    def _chosen(self, condition: Condition, n: int, rng: torch.Generator) -> Tensor:
        """(n,) positions in the bank, at random among those whose labels differ least from what is asked for."""
        count = int(self.count)
        weights = torch.ones(n, count)
        if condition.labels is not None:
            differing = torch.cdist(condition.labels.float(), self.labels[:count], p=1).cpu()
            weights = (differing <= differing.amin(1, keepdim=True) + 0.5).float()
        chosen = torch.multinomial(weights.to(rng.device), 1, generator=rng)[:, 0]
        return chosen.to(self.stored.device)

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """Plain gradient descent on the centre: its objective is a parabola."""
        return torch.optim.SGD(self.parameters_of(phase), lr=0.1)


def _first_of_its_kind(values: Tensor) -> Tensor:
    """(n,) of bool: a batch that runs over the end of an epoch can hold an example twice."""
    kinds = torch.unique(values.flatten(1), dim=0, return_inverse=True)[1]
    positions = torch.arange(len(values), device=values.device)
    first = torch.full_like(positions, len(values)).scatter_reduce(0, kinds, positions, "amin")
    return first[kinds] == positions
