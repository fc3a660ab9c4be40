#!/usr/bin/env bash
# Makes the shipped models again, into models/. Real data are read from the folder given: make.sh DATA [WORK]
#
# CPU minutes on one core, training alone: demo-ecg and ptbxl-heartbeat less than 1, demo-eeg 12, demo-ct 25, ptbxl 28,
# eegmat 5; the papers' als-cwgan 20, seizure-wavegan 10, fahr-wgan-gp 10, arrhythmia-time-vqvae 20. Measuring what
# stands on the cards takes 2 more each.
set -euo pipefail
data=$(realpath "$1")
work=$(realpath -m "${2:-build/models}")
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

make_model() { # name, dataset, examples to measure, then what `train` is told
    local name=$1 cohort=$work/datasets/$2 n=$3
    shift 3
    "$python" -m synth_core train "$cohort" --out "$work/runs/$name" "$@" --model "models/$name"
    measure "$name" "$cohort" "$n"
}

measure() { # name, dataset, examples
    "$python" -m synth_core sample "models/$1" --n "$3" --batch-size 64 --out "$work/$1.npz"
    "$python" -m synth_core evaluate --train "$2" --holdout "$2" --synthetic "$work/$1.npz" --card "models/$1"
}

"$python" -m synth_core simulate demo --out "$work/datasets"
"$python" -m synth_core prepare "$data/ecg/ptbxl" --out "$work/datasets/ptbxl"
"$python" -m synth_core prepare "$data/eeg/eegmat" --out "$work/datasets/eegmat"

heartbeat=(--generator heartbeat --batch-size 32 --steps 600)
make_model demo-ecg demo-ecg 300 "${heartbeat[@]}"
make_model ptbxl-heartbeat ptbxl 300 "${heartbeat[@]}"

flow=(--generator flow --batch-size 32 --set steps=12)
make_model demo-eeg demo-eeg 300 "${flow[@]}" --steps 2000 --set mixing=folded
make_model demo-ct demo-ct 300 "${flow[@]}" --steps 3000 --set width=16
make_model ptbxl ptbxl 300 "${flow[@]}" --steps 5000
make_model eegmat eegmat 100 "${flow[@]}" --steps 500 --set mixing=folded --set calibration=none

# one model of each source paper, with the paper's settings but for the size where that is named
paper=(--set preset=paper)
make_model als-cwgan eegmat 100 --generator cwgan "${paper[@]}" --steps 3000 --batch-size 64
make_model seizure-wavegan demo-eeg 300 --generator wavegan "${paper[@]}" --steps 800 --batch-size 64
make_model arrhythmia-time-vqvae ptbxl 300 --generator time_vqvae "${paper[@]}" --set codes=512 --steps 3000 --batch-size 16
make_model fahr-wgan-gp demo-ct 300 --generator wgan_gp "${paper[@]}" --set channels=128 --steps 800 --batch-size 32
