"""Dense GAN on EEG: Goodfellow et al. 2014, arXiv 1406.2661, as the seizure-EEG system uses it.

Generator and discriminator are dense, the discriminator ends in a sigmoid, both minimise binary cross-entropy with
Adam, and every class has a pair of networks of its own. The system's widths were never published; ours grow from
`hidden` to four times `hidden` towards the example.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from synth_core.errors import InvalidSetting
from synth_core.generators.adversarial import Adversarial, AdversarialConfig, Rate
from synth_core.generators.nets.adversarial import Objective
from synth_core.generators.nets.penalty import spectrally_normalised
from synth_core.types import Condition

LARGEST = 2**26  # weights of the widest dense layers, of all classes together


class GANConfig(AdversarialConfig):
    """Settings of the dense GAN."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "loss": "bce",
            "spectral_norm": False,
            "bounded": True,
            "generator_rate": 2e-4,
            "critic_rate": 2e-4,
            "momentum": 0.5,
        },
    }

    critic_steps: Annotated[
        int,
        Field(
            title="Critic steps per generator step",
            ge=1,
            le=100,
            description="One each, as in the source. A step of a run is a critic step.",
        ),
    ] = 1
    hidden: int = Field(
        128,
        title="Width of the first layer",
        ge=16,
        le=1024,
        description="The layers have 1, 2 and 4 times as many units; the source does not say.",
    )
    classes: Literal["separate", "joined"] = Field(
        "separate",
        title="Networks per class",
        description="separate: a pair of networks for each class, as in the source, which sees its examples alone; "
        "joined: one pair that is told the class; its spectra are nearer, its classes less distinct.",
    )
    loss: Literal["bce", "least-squares", "hinge"] = Field(
        "hinge",
        title="Loss",
        description="bce: sigmoid and cross-entropy, as in the source; hinge suits a normalised critic.",
    )
    spectral_norm: bool = Field(
        True,
        title="Spectral normalisation",
        description="Of the critic (Miyato et al. 2018): without it a dense critic outruns its generator.",
    )
    generator_rate: Rate = Field(
        1e-3, title="Generator learning rate", description="Adam; the source's 2e-4 is too slow for hinge."
    )
    critic_rate: Rate = Field(
        2e-3, title="Critic learning rate", description="Adam; twice the generator's keeps it ahead."
    )
    momentum: float = Field(
        0.0, title="Adam β₁", ge=0, lt=1, description="0.5 is the custom of the first GANs, 0 of normalised critics."
    )


class DenseGAN(Adversarial):
    """Dense GAN on EEG windows, a pair of networks per class or one that is told the class."""

    name = "gan"
    title = "Dense GAN"
    reference = "Goodfellow et al. 2014, arXiv 1406.2661"
    modalities = frozenset({"eeg"})
    Config = GANConfig
    config: GANConfig

    def build(self) -> None:
        """Generator and critic; as many of each as there are classes where they are separate."""
        config, shape = self.config, self.scaling.shape
        classes = len(self.spec.classes)
        separate = classes if config.classes == "separate" else 0
        if math.prod(shape) * 4 * config.hidden * max(1, separate) > LARGEST:
            raise InvalidSetting(
                f"Dense layers for {shape[0]} × {shape[1]} values would hold more than {LARGEST // 10**6} million "
                "weights. Take shorter windows, fewer channels, a smaller first layer, or the generator wavegan."
            )
        self.alternate(config.critic_steps)
        told = 0 if separate else classes
        self.generator = PerClass(
            lambda: DenseSynthesis(shape, config.latent, told, config.hidden, config.bounded), separate
        )
        self.critic = PerClass(lambda: DenseCritic(shape, told, config.hidden), separate)
        if config.spectral_norm:
            spectrally_normalised(self.critic)

    @property
    def objective(self) -> Objective:
        """As configured."""
        return self.config.loss

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """Adam."""
        rate = self.config.critic_rate if phase == "critic" else self.config.generator_rate
        return torch.optim.Adam(self.parameters_of(phase), lr=rate, betas=(self.config.momentum, 0.999))


class PerClass(nn.Module):
    """One network for each of `classes`, each seeing the examples of its class alone; a single one when 0."""

    def __init__(self, make: Callable[[], nn.Module], classes: int) -> None:
        super().__init__()
        self.separate = classes > 0
        self.networks = nn.ModuleList(make() for _ in range(max(1, classes)))

    def forward(self, x: Tensor, condition: Condition, rng: torch.Generator | None = None) -> Tensor:
        """(B, …) → what the networks make of it, in the order of the batch."""
        if not self.separate:
            single: Tensor = self.networks[0](x, condition)
            return single
        which = only_class(condition)
        order = which.argsort(stable=True)
        counts = torch.bincount(which, minlength=len(self.networks)).tolist()
        parts = zip(self.networks, x[order].split(counts), strict=True)
        # a network without examples is left out, so that it has no gradient and its moments stay as they are
        return torch.cat([network(part, Condition()) for network, part in parts if len(part)])[order.argsort()]


def only_class(condition: Condition) -> Tensor:
    """(B,) position of the class of each example; InvalidSetting unless each has exactly one."""
    labels = condition.labels
    if labels is None or not bool((labels.sum(1) == 1).all()):
        raise InvalidSetting(
            "Separate networks per class need exactly one class for every example. Set `classes` to joined, or prepare "
            "the data with classes that exclude one another."
        )
    return labels.argmax(1)


class DenseSynthesis(nn.Module):
    """Noise, joined by the labels, to a scaled example: three hidden layers of growing width."""

    def __init__(self, shape: tuple[int, ...], latent: int, classes: int, hidden: int, bounded: bool) -> None:
        super().__init__()
        self.shape, self.classes, self.bounded = shape, classes, bounded
        self.layers = _dense([latent + classes, hidden, 2 * hidden, 4 * hidden, math.prod(shape)])

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """(B, latent) → (B, *shape)."""
        x: Tensor = self.layers(_joined(noise, condition, self.classes)).view(-1, *self.shape)
        return x.tanh() if self.bounded else x


class DenseCritic(nn.Module):
    """Scaled example to the logit of being real: three hidden layers of falling width.

    Labels meet the last of them as a projection (Miyato & Koyama 2018, arXiv 1802.05637, eq. 3): joined to the many
    values of an example they are hardly seen, least of all by a spectrally normalised layer.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_dense([math.prod(shape), 4 * hidden, 2 * hidden, hidden]), nn.LeakyReLU(0.2))
        self.score = nn.Linear(hidden, 1)
        self.match = nn.Linear(classes, hidden, bias=False) if classes else None

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """(B, *shape) → (B,)."""
        seen = self.layers(x.flatten(1))
        score: Tensor = self.score(seen)[:, 0]
        if self.match is None or condition.labels is None:
            return score
        return score + (seen * self.match(condition.labels.to(seen.dtype))).sum(1)


def _joined(x: Tensor, condition: Condition, classes: int) -> Tensor:
    labels = x.new_zeros(len(x), classes) if condition.labels is None else condition.labels[:, :classes].to(x.dtype)
    return torch.cat([x, labels], dim=1)


def _dense(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])
