"""CPU seconds and memory of a whole fidelity and privacy report on 12-lead ECGs, and how they grow with the data.

    python -m benchmarks.evaluation --n 2000

Three sets of simulated 12 × 1000 ECGs of other people; each size is measured in a process of its own. Classifiers, for
usefulness, are left out, as their cost does not depend on the number of examples.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

GOALS = {"cpu_s": 240.0, "peak_mb": 3 * 1024.0, "times_for_ten_times": 12.0}
MEASURED = """
import json, resource, sys, time
import numpy as np, torch
from synth_core.metrics.evaluate import evaluate
from synth_core.simulate import ecg_cohort
from synth_core.data import Preparation, prepare
from synth_core.types import Batch, Condition
import tempfile
from pathlib import Path

n = int(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    recordings = ecg_cohort(90, seed=1)
    base = prepare(recordings, Path(folder) / "ecg", Preparation.suggested(recordings))
    parts = base.split((0.34, 0.33, 0.33)).values()
    rng, sides = np.random.default_rng(0), []
    for part in parts:  # every example once more, as loud as another heart and with other noise, until there are n
        rows = np.resize(np.arange(len(part)), n)
        batch = part.batch(rows.tolist())
        gain = torch.from_numpy(rng.uniform(0.8, 1.2, (n, 1, 1))).float()
        noise = torch.from_numpy(0.01 * rng.standard_normal(tuple(batch.values.shape))).float()
        subjects = tuple(f"{name}-{i // len(part)}" for i, name in enumerate(batch.subjects))
        sides.append(Batch(gain * batch.values + noise, batch.spec, batch.condition, subjects))
        del batch, gain, noise
train, synthetic, holdout = sides
del sides
synthetic = Batch(synthetic.values, synthetic.spec, synthetic.condition)
begin = time.process_time()
evaluate(train, holdout, synthetic, classifier=False)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"n": n, "cpu_s": round(time.process_time() - begin, 1), "peak_mb": round(used.ru_maxrss / 1024)}))
"""


def measured(n: int) -> dict[str, float]:
    """What one size costs, in a new process."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(n)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000, help="examples a side")
    arguments = parser.parse_args()
    small, large = measured(arguments.n // 10), measured(arguments.n)
    ratio = large["cpu_s"] / small["cpu_s"]
    result = {"small": small, "large": large, "times_for_ten_times": round(ratio, 1), "goals": GOALS}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
