"""The synthetic side of an evaluation: drawn from a generator, a prepared dataset, or an NPZ file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.data import source, uploads
from pages.shared import cache, jobs, panels, shell, words
from synth_core.errors import DataError
from synth_core.storage import read_json

if TYPE_CHECKING:
    from synth_core.metrics.evaluate import Examples
    from synth_core.types import Batch, DataSpec

GENERATOR, DATASET, FILE = "a generator", "a dataset", "an NPZ file"
SAMPLE = "synthetic.npz"
_CHOSEN = "evaluate-file"


@dataclass(frozen=True)
class Synthetic:
    """Where synthetic examples come from.

    Parameters
    ----------
    title : in words.
    n : how many.
    spec : what one of them is, as `DataSpec.to_dict` says it.
    load : makes or opens them; takes progress, which may raise to cancel.
    argument : what the command line calls them after --synthetic.
    command : the line that makes them first, or "".
    note : what a reader should know of them, or "".
    """

    title: str
    n: int
    spec: Mapping[str, Any]
    load: Callable[[jobs.Progress], Batch | Examples]
    argument: str
    command: str = ""
    note: str = ""

    def unlike(self, real: DataSpec) -> str:
        """Why these cannot be compared with the real ones, or ""."""
        expected = real.to_dict()
        if words.same_kind(self.spec, expected):
            return ""
        ours, theirs = words.example(self.spec), words.example(expected)
        if ours != theirs:
            return f"The synthetic examples are unlike the real ones: {ours} against {theirs}. Prepare both alike."
        for field in ("channels", "classes"):
            if list(self.spec[field]) != list(expected[field]):
                listed = [", ".join(map(str, one[field])) or "none" for one in (self.spec, expected)]
                return f"The synthetic examples have the {field} {listed[0]}, the real ones {listed[1]}."
        return f"The synthetic examples are of another kind than the real ones ({ours})."


def choose(dataset: Path, spec: Mapping[str, Any], others: Sequence[Path]) -> Synthetic | None:
    """Controls for the synthetic side; None, after saying the next step, while something is missing."""
    kind = st.selectbox("Synthetic from", (GENERATOR, DATASET, FILE), key="evaluate-source")
    if kind == GENERATOR:
        return _generator(dataset, spec)
    if kind == DATASET:
        return _dataset(others)
    return _file()


def in_words(path: Path) -> str:
    """A path of the workspace as a command can name it from the folder that holds the workspace."""
    root = cache.workspace().root
    shown = Path("workspace") / path.relative_to(root) if path.is_relative_to(root) else Path("models") / path.name
    return shlex.quote(str(shown))


def _generator(dataset: Path, spec: Mapping[str, Any]) -> Synthetic | None:
    model = panels.choose_model(spec)
    if model is None:
        return None
    n = int(st.number_input("Synthetic examples", 20, 10_000, 400, 100, key="evaluate-n", width=150))
    seed = int(st.session_state.get("evaluate-seed", 0))

    def load(progress: jobs.Progress) -> Batch:
        from synth_core.training import load_generator
        from synth_core.training.sampling import draw

        progress(0, n, "drawing examples")
        return draw(load_generator(model), n, seed=seed, progress=progress)

    command = f"python -m synth_core sample {in_words(model)} --n {n} --seed {seed} --out {SAMPLE}"
    title = f"generator {model.name}, seed {seed}"
    return Synthetic(title, n, cache.model_info(model)["spec"], load, SAMPLE, command, _provenance(model, dataset))


def _provenance(model: Path, dataset: Path) -> str:
    """A warning where the generator says that it learned from other data, or does not say from which."""
    record = model / "provenance.json"
    known = read_json(record) if record.is_file() else cache.model_info(model)
    learned = known.get("dataset") if isinstance(known, dict) else None
    if not isinstance(learned, dict) or not learned.get("hash"):
        return "The generator does not say what it was trained on: whether it copies cannot be told."
    if learned["hash"] != cache.dataset_info(dataset).get("hash"):
        name = learned.get("name", "other data")
        if name == dataset.name:
            return (
                f"The generator was trained on another {name}, whose content differs from this one: whether it copies "
                "cannot be told for certain."
            )
        return f"The generator was trained on {name}, not on {dataset.name}: whether it copies cannot be told."
    return ""


def _dataset(others: Sequence[Path]) -> Synthetic | None:
    if not others:
        st.info("No other dataset holds examples of this kind; prepare the synthetic recordings on the Data page.")
        st.page_link(shell.script("data"), label="Add data", icon=":material/arrow_forward:")
        return None
    path = st.selectbox("Synthetic dataset", others, key="evaluate-dataset", format_func=lambda option: option.name)
    opened = cache.dataset(path)
    spec = cache.dataset_info(path)["spec"]
    return Synthetic(f"dataset {path.name}", len(opened), spec, lambda progress: opened, in_words(path))


def _file() -> Synthetic | None:
    root = cache.workspace().folder("uploads")
    found = sorted(path for path in root.rglob("*.npz") if _is_own(path, root))
    if st.session_state.get(_CHOSEN) not in found:
        st.session_state[_CHOSEN] = found[-1] if found else None
    path = st.selectbox("File", found, key=_CHOSEN, format_func=lambda p: p.name, placeholder="none uploaded yet")
    with st.popover("Upload", icon=":material/upload:"):
        st.caption("NPZ as `python -m synth_core sample` or `write_npz` writes it: values, spec, and labels.")
        arrived = source.upload()
        if arrived is not None:
            _take(arrived)
    if path is None:
        return None
    batch = _archive(path, cache.stamp(path))
    title = f"file {path.name}"
    return Synthetic(title, len(batch), batch.spec.to_dict(), lambda progress: batch, in_words(path))


def _is_own(path: Path, root: Path) -> bool:
    """A regular file below `root` itself, not on its way there and behind no link."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.is_file() and path.resolve().is_relative_to(root)


def _take(arrived: Path) -> None:
    """Choose what was uploaded; what is not an NPZ file leaves nothing."""
    if arrived.suffix.lower() != ".npz":
        uploads.remove(cache.workspace(), arrived)
        raise DataError(arrived, "is not an NPZ file; recordings are added on the Data page.")
    st.rerun()


@st.cache_resource(max_entries=2, ttl=3600, show_spinner="Reading the file …")
def _archive(path: Path, changed: int) -> Batch:
    from synth_core.export import read_npz

    return read_npz(path)
