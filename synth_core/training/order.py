"""The order in which examples are drawn: a new permutation per epoch, computed from seed and draw alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Order:
    """Draw number k gives the same indices whether the run was resumed before it or not."""

    def __init__(self, examples: int, batch_size: int, seed: int) -> None:
        self.examples, self.batch_size, self.seed = examples, batch_size, seed
        self._epochs: dict[int, NDArray[np.int64]] = {}

    def indices(self, draw: int) -> NDArray[np.int64]:
        """(batch_size,) positions; an epoch ends anywhere in a batch, and the next begins there."""
        positions = np.arange(draw * self.batch_size, (draw + 1) * self.batch_size)
        epochs = positions // self.examples
        return np.concatenate([self._epoch(int(e))[positions[epochs == e] % self.examples] for e in np.unique(epochs)])

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._epochs:
            if len(self._epochs) > 2:
                self._epochs.clear()
            self._epochs[epoch] = np.random.default_rng((self.seed, epoch)).permutation(self.examples)
        return self._epochs[epoch]
