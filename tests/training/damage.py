"""A run as others may leave it: every kind of damage to its files, for the tests of the engine and of the pages."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth_core.training import Preview, RunConfig, RunDirectory, Status, create_run

Damage = Callable[[Path, pytest.MonkeyPatch], object]
SMALL = {"dim": 32, "depth": 1, "width": 8, "steps": 2, "patch": 16}
STEPS = 3


def made_run(dataset: Path, out: Path) -> RunDirectory:
    """A run that was cancelled at its third step of seven, without the cost of training."""
    run = create_run(dataset, "flow", SMALL, RunConfig(out=out, steps=7))
    run.write_status(Status("cancelled", step=STEPS, steps=7))
    with run.open_metrics() as metrics:
        for step in range(1, STEPS + 1):
            metrics.write(json.dumps({"step": step, "flow.total": 1 / step, "seconds": 0.1}) + "\n")
    spec = run.config()["spec"]
    run.write_preview(Preview(STEPS, np.zeros((2, *spec["shape"]), np.float32), np.eye(2, dtype=np.float32)))
    return run


def text(content: str) -> Damage:
    return lambda file, patch: file.write_text(content)


def data(content: bytes) -> Damage:
    return lambda file, patch: file.write_bytes(content)


def fields(**changes: Any) -> Damage:
    """Other values in a JSON file; `a__b` stands for b within a, and `...` takes a field out."""

    def change(file: Path, patch: pytest.MonkeyPatch) -> None:
        content = json.loads(file.read_text())
        for name, value in changes.items():
            *outer, last = name.split("__")
            inner = content
            for part in outer:
                inner = inner[part]
            if value is ...:
                del inner[last]
            else:
                inner[last] = value
        file.write_text(json.dumps(content))

    return change


def cut(file: Path, patch: pytest.MonkeyPatch) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def directory(file: Path, patch: pytest.MonkeyPatch) -> None:
    file.unlink()
    file.mkdir()


def link_out(file: Path, patch: pytest.MonkeyPatch) -> None:
    """To content that would do."""
    outside = file.parents[2] / f"outside-{file.name}"
    file.rename(outside)
    file.symlink_to(outside)


def broken_link(file: Path, patch: pytest.MonkeyPatch) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def link_to_itself(file: Path, patch: pytest.MonkeyPatch) -> None:
    file.unlink()
    file.symlink_to(file)


def pipe(file: Path, patch: pytest.MonkeyPatch) -> None:
    """Whoever waits for its writer waits for ever."""
    file.unlink()
    os.mkfifo(file)


def no_rights(file: Path, patch: pytest.MonkeyPatch) -> None:
    """As the system answers others; the tests may run as root, who is refused nothing."""
    real = os.open

    def refused(path: Any, *rest: Any, **more: Any) -> int:
        if Path(path) == file:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *rest, **more)

    file.chmod(0)
    patch.setattr("synth_core.regular_file.os.open", refused)


def endless(file: Path, patch: pytest.MonkeyPatch) -> None:
    """Of 40 GB, none of which is on the disk."""
    with file.open("r+b") as content:
        content.truncate(40 * 10**9)


IN_ITS_PLACE: dict[str, Damage] = {
    "a directory in its place": directory,
    "a link that leads out": link_out,
    "a link to nothing": broken_link,
    "a link to itself": link_to_itself,
    "a pipe in its place": pipe,
    "no right to read": no_rights,
    "too large": endless,
}
NO_JSON: dict[str, Damage] = {
    "empty": text(""),
    "cut": cut,
    "not UTF-8": data(b'{"state": "\xff\xfe"}'),
    "a list": text("[]"),
    "a number": text("7"),
    "null": text("null"),
    "no keys": text("{}"),
    "nested without end": text("[" * 100_000),
    "a number of 5,000 digits": text('{"state": "running", "step": 1' + "0" * 5_000 + "}"),
}
STATUS: dict[str, Damage] = {
    **IN_ITS_PLACE,
    **NO_JSON,
    "no state": fields(state=...),
    "an unknown state": fields(state="dreaming"),
    "a step in words": fields(step="three"),
    "a step in quotes": fields(step="3"),
    "a step of a half": fields(step=0.5),
    "a list as state": fields(state=["running"]),
    "not a number": fields(seconds_left=float("nan")),
    "infinite": fields(examples_per_second=float("inf")),
    "a negative step": fields(step=-3),
    "a huge step": fields(step=10**30),
    "a huge time": fields(seconds_left=1e300),
    "the process id of all": fields(pid=-1),
    "the process id of init": fields(pid=1),
    "a message of a megabyte": fields(message="x" * 2**20),
}
CONFIG: dict[str, Damage] = {
    **IN_ITS_PLACE,
    **NO_JSON,
    "no run": fields(run=...),
    "no dataset": fields(dataset=...),
    "no path of the dataset": fields(dataset__path=...),
    "no spec": fields(spec=...),
    "an unknown generator": fields(generator="os.system"),
    "a number as generator": fields(generator=3),
    "a list as run": fields(run=[]),
    "text as config": fields(config="dim=32"),
    "steps in words": fields(run__steps="seven"),
    "steps in quotes": fields(run__steps="7"),
    "negative steps": fields(run__steps=-7),
    "huge steps": fields(run__steps=10**30),
    "a setting that is not one": fields(run__nonesuch=1),
    "not a number": fields(spec__rate=float("nan")),
    "infinite": fields(run__average=float("inf")),
    "a shape of nothing": fields(spec__shape=[]),
    "a shape in words": fields(spec__shape=["two", 64]),
    "a shape too large": fields(spec__shape=[10**6, 10**9]),
    "a class that is a list": fields(spec__classes=[["slow"], "fast"]),
    "a scaling that is not finite": fields(scaling={"centre": [float("inf")]}),
}


def line(content: bytes) -> Damage:
    """One more among the lines of metrics.jsonl."""

    def insert(file: Path, patch: pytest.MonkeyPatch) -> None:
        first, *others = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([first, content + b"\n", *others]))

    return insert


METRICS_LINES: dict[str, Damage] = {
    "a line cut in the middle": line(b'{"step": 2, "flow.to'),
    "two lines in one": line(b'{"step": 2, "flow.to{"step": 3, "flow.total": 1}'),
    "an empty line": line(b""),
    "a line that is not UTF-8": line(b'{"step": 2, "\xff": 1}'),
    "a line of zeros": line(bytes(500)),
    "a list": line(b"[1, 2]"),
    "a number": line(b"7"),
    "no step": line(b'{"flow.total": 1}'),
    "a negative step": line(b'{"step": -1, "flow.total": 1}'),
    "a step of a half": line(b'{"step": 1.5, "flow.total": 1}'),
    "a huge step": line(b'{"step": 1' + b"0" * 400 + b', "flow.total": 1}'),
    "words": line(b'{"step": 2, "flow.total": "low"}'),
    "not a number": line(b'{"step": 2, "flow.total": NaN}'),
    "infinite": line(b'{"step": 2, "flow.total": Infinity}'),
    "a thousand columns": line(json.dumps({"step": 2} | {f"x{k}": 0 for k in range(1000)}).encode()),
    "a column named by markup": line(b'{"step": 2, "<script>": 1}'),
    "nested without end": line(b"[" * 100_000),
}


def arrays(*, compressed: bool = False, **content: Any) -> Damage:
    def write(file: Path, patch: pytest.MonkeyPatch) -> None:
        made = io.BytesIO()
        (np.savez_compressed if compressed else np.savez)(made, **content)
        file.write_bytes(made.getvalue())

    return write


def with_labels(labels: Any) -> Damage:
    """Good values beside these labels."""

    def write(file: Path, patch: pytest.MonkeyPatch) -> None:
        with np.load(file) as there:
            values = there["values"]
        arrays(values=values, labels=labels)(file, patch)

    return write


def huge_header(file: Path, patch: pytest.MonkeyPatch) -> None:
    """An array that declares a terabyte."""
    good = file.read_bytes()
    file.write_bytes(good.replace(b"'shape': (2, 2, ", b"'shape': (9, 9, "))
    assert file.read_bytes() != good


PREVIEW: dict[str, Damage] = {
    **IN_ITS_PLACE,
    "empty": data(b""),
    "cut": cut,
    "no archive": data(b"\x93NUMPY" * 100),
    "pickled objects": arrays(values=np.array([{"a": 1}, None], dtype=object)),
    "no values": arrays(other=np.zeros(3, np.float32)),
    "compressed": arrays(compressed=True, values=np.zeros((2, 2, 64), np.float32)),
    "another shape": arrays(values=np.zeros((2, 3, 11), np.float32)),
    "no examples": arrays(values=np.zeros((0, 2, 64), np.float32)),
    "one number": arrays(values=np.float32(3)),
    "of another type": arrays(values=np.zeros((2, 2, 64), np.float64)),
    "text": arrays(values=np.array(["a", "b"])),
    "another header": huge_header,
    "not a number": arrays(values=np.full((2, 2, 64), np.nan, np.float32)),
    "labels of another shape": with_labels(np.zeros((5, 7), np.float32)),
    "labels beyond 1": with_labels(np.full((2, 2), 9, np.float32)),
}
