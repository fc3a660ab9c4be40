"""Prints, for every generator, a hash of its weights after a few steps: `python weights.py SEED DATASET …`.

Each is trained on the first of the datasets whose modality it makes.
"""

import hashlib
import sys
from pathlib import Path

from synth_core import Dataset, RunConfig, build, train
from synth_core.generators import REGISTRY
from tests.generators.test_contract import SMALL


def weights_of(name: str, part: Dataset, seed: int) -> str:
    generator = build(name, part.spec, seed=seed, **SMALL.get(name, {}))
    for _ in train(generator, part, RunConfig(steps=4, batch_size=4, seed=seed)):
        pass
    digest = hashlib.sha256()
    for value in generator.state_dict().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    parts = [Dataset.open(Path(path)).split()["train"] for path in sys.argv[2:]]
    for name, kind in sorted(REGISTRY.items()):
        part = next(part for part in parts if part.spec.modality in kind.modalities)
        print(name, weights_of(name, part, int(sys.argv[1])))
