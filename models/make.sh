#!/usr/bin/env bash
# Makes the shipped models again, into models/. Real data are read from the folder given: make.sh DATA [WORK]
#
# CPU minutes on one core: demo-ecg 25, demo-eeg 16, demo-ct 25, ptbxl 28, eegmat 5.
set -euo pipefail
data=$(realpath "$1")
work=$(realpath -m "${2:-build/models}")
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

make_model() { # name, steps, further settings
    local name=$1 steps=$2
    shift 2
    "$python" -m synth_core train "$work/datasets/$name" --generator flow --out "$work/runs/$name" \
        --steps "$steps" --batch-size 32 --set steps=12 "$@" --model "models/$name"
}

"$python" -m synth_core simulate demo --out "$work/datasets"
"$python" -m synth_core prepare "$data/ecg/ptbxl" --out "$work/datasets/ptbxl"
"$python" -m synth_core prepare "$data/eeg/eegmat" --out "$work/datasets/eegmat"
make_model demo-ecg 4500
make_model demo-eeg 2000 --set mixing=folded
make_model demo-ct 3000 --set width=16
make_model ptbxl 5000
make_model eegmat 500 --set mixing=folded --set calibration=none
