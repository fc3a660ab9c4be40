"""Whether the intervals and the equivalence test of a reading study hold their level, on simulated studies.

    python -m benchmarks.campaign --studies 1000

Raters and items are drawn at random: rater i gives item j the right answer when d′/2 + rᵢ + uⱼ ± cᵢ + ε > 0, with ε
from a standard normal, rᵢ and uⱼ from normals of the stated spread, and cᵢ, the leaning of the rater to "real", with
one sign on real and the other on synthetic items. Such raters test the machinery; they are no evidence about a
generator.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from synth_core.study.stats import (
    equivalence_sample_size,
    equivalence_to_chance,
    mrmc_accuracy,
    mrmc_equivalence,
    proportion_interval,
)

MARGIN = 0.1
LEVELS = (0.95, 0.90)


@dataclass(frozen=True)
class Design:
    """What is known of a campaign's studies."""

    raters: int
    items: int
    d: float
    rater: float = 0.3  # spread of rᵢ
    item: float = 0.5  # spread of uⱼ
    lean: float = 0.0  # mean of cᵢ
    spread: float = 0.3  # of cᵢ
    missing: float = 0.0  # share of cells

    @property
    def noise(self) -> float:
        """Spread of all that is added to d′/2."""
        return float(np.sqrt(1 + self.rater**2 + self.item**2 + self.spread**2))

    @property
    def accuracy(self) -> float:
        """Of all raters and items like these."""
        return float(np.mean([norm.cdf((self.d / 2 + side * self.lean) / self.noise) for side in (-1, 1)]))

    def study(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
        """Right answers (raters, items), NaN where missing, and the class of each item."""
        classes = np.arange(self.items) % 2
        shape = self.raters, self.items
        evidence = self.d / 2 + self.rater * rng.normal(size=(self.raters, 1)) + self.item * rng.normal(size=self.items)
        leaning = self.lean + self.spread * rng.normal(size=(self.raters, 1))
        right = evidence + leaning * np.where(classes, 1, -1) + rng.normal(size=shape) > 0
        return np.where(rng.random(shape) < self.missing, np.nan, right), classes

    def __str__(self) -> str:
        parts = f"{self.raters} | {self.items} | {self.d:.2f} | {self.rater:g} | {self.item:g} | "
        parts += f"{self.lean:g} ± {self.spread:g} | {100 * self.missing:.0f} % | {self.accuracy:.3f}"
        return parts.replace("-", "−")


COVERAGE = (
    Design(3, 40, 0.5),
    Design(5, 40, 0.5),
    Design(5, 40, 2.5),
    Design(10, 60, 0.0),
    Design(10, 60, 1.0, rater=0.5, item=0.8),
    Design(8, 50, 0.5, rater=0.1, lean=0.6),
    Design(8, 60, 0.5, missing=0.4),
    Design(20, 100, 0.5),
    Design(50, 40, 1.0),
    Design(10, 60, 0.5, rater=0, item=0, spread=0),
)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    columns = "raters | items | d′ | rater | item | leaning | missing | accuracy"
    print(f"| {columns} | 95 % interval covers | 90 % interval covers | pooled Wilson 95 % covers |")
    print("|" + "---|" * 11)
    for number, design in enumerate(COVERAGE):
        rng = np.random.default_rng([settings.seed, number])
        print(f"| {design} | {' | '.join(coverage(design, settings.studies, rng))} |", flush=True)
    print(f"\n| {columns} | equivalent, raters and items random | equivalent, pooled exact test |")
    print("|" + "---|" * 10)
    for number, design in enumerate(on_the_margin()):
        rng = np.random.default_rng([settings.seed, 100 + number])
        print(f"| {design} | {' | '.join(verdicts(design, settings.studies, rng))} |", flush=True)
    n = equivalence_sample_size(MARGIN)
    wrong, right = independent(n, settings.studies, np.random.default_rng([settings.seed, 200]))
    print(f"\n{n} independent answers: exact test says equivalent on the margin {wrong}, of guessing raters {right}.")


def coverage(design: Design, studies: int, rng: np.random.Generator) -> list[str]:
    """How often the true accuracy lies within each interval."""
    hits = np.zeros((studies, 3), dtype=bool)
    for row in hits:
        table, classes = design.study(rng)
        answered = table[~np.isnan(table)]
        intervals = [mrmc_accuracy(table, level, strata=classes).interval for level in LEVELS]
        intervals.append(proportion_interval(int(answered.sum()), len(answered)))
        row[:] = [low <= design.accuracy <= high for low, high in intervals]
    return [rate(column) for column in hits.T]


def on_the_margin() -> list[Design]:
    """Studies of raters who are just not equivalent to chance, and of raters who guess."""
    designs = []
    for raters, items, rater, item in ((5, 60, 0.1, 0.2), (10, 60, 0.2, 0.4), (20, 100, 0.2, 0.4)):
        plain = Design(raters, items, 0, rater, item)
        edge = 2 * plain.noise * float(norm.ppf(0.5 + MARGIN))
        designs += [Design(raters, items, d, rater, item) for d in (edge, -edge, 0.0)]
    return designs


def verdicts(design: Design, studies: int, rng: np.random.Generator) -> list[str]:
    """How often each test calls a study equivalent to chance ± the margin, at 5 %."""
    said = np.zeros((studies, 2), dtype=bool)
    for row in said:
        table, classes = design.study(rng)
        pooled = equivalence_to_chance(int(table.sum()), table.size, MARGIN)
        row[:] = mrmc_equivalence(table, MARGIN, strata=classes).p <= 0.05, pooled.p <= 0.05
    return [rate(column) for column in said.T]


def independent(n: int, studies: int, rng: np.random.Generator) -> tuple[str, str]:
    """The exact test on independent answers: on the margin, and of raters who guess."""

    def said(chance: float) -> str:
        right = rng.binomial(n, chance, studies)
        return rate(np.array([equivalence_to_chance(int(k), n, MARGIN).p <= 0.05 for k in right]))

    return said(0.5 + MARGIN), said(0.5)


def rate(hits: NDArray[np.bool_]) -> str:
    """A share with twice its Monte Carlo error, in percent."""
    share = hits.mean()
    return f"{100 * share:.1f} ± {200 * np.sqrt(share * (1 - share) / len(hits)):.1f} %"


if __name__ == "__main__":
    main()
