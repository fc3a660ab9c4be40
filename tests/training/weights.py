"""Prints, for every generator, a hash of its weights after a few steps: `python weights.py DATASET SEED`."""

import hashlib
import sys
from pathlib import Path

from synth_core import Dataset, RunConfig, build, train
from synth_core.generators import REGISTRY
from synth_core.types import DataSpec
from tests.generators.test_contract import SMALL


def weights_of(name: str, part: Dataset, seed: int) -> str:
    generator = build(name, part.spec, seed=seed, **SMALL.get(name, {}))
    for _ in train(generator, part, RunConfig(steps=4, batch_size=4, seed=seed)):
        pass
    digest = hashlib.sha256()
    for value in generator.state_dict().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:16]


def names_for(spec: DataSpec) -> list[str]:
    return [name for name, kind in sorted(REGISTRY.items()) if spec.modality in kind.modalities]


if __name__ == "__main__":
    part = Dataset.open(Path(sys.argv[1])).split()["train"]
    for name in names_for(part.spec):
        print(name, weights_of(name, part, int(sys.argv[2])))
