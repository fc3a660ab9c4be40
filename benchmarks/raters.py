"""Server CPU per answer with many raters at once, and whether any answer is lost.

    python -m benchmarks.raters --raters 30 --answers 10

Starts the real app on a temporary workspace and speaks Streamlit's websocket protocol, one connection per rater, so
that no browser takes part in what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import torch
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from pages.shared.visitor import COOKIE
from synth_core.study.access import OWNER
from synth_core.study.database import open_store
from synth_core.study.design import create_study
from synth_core.study.invitations import invite
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Profile, Store
from synth_core.types import Batch, DataSpec
from synth_core.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
PROTOCOL = [Subprotocol("streamlit")]
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Measurement:
    """What came out: answers sent and kept, server CPU and time a rater waits, in milliseconds."""

    raters: int
    sent: int
    kept: int
    cpu_ms_per_answer: float
    median_wait_ms: float
    longest_wait_ms: float


@contextmanager
def serve(workspace: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The real app on a free port, as `host:port`, with its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "SYNTHSCOPE_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1"}
    with (workspace / "server.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("The app did not start; its output is in server.txt of the workspace.")


class Rater:
    """One participant at the websocket: takes the page in, answers what is asked."""

    def __init__(self, host: str, websocket: ClientConnection) -> None:
        self._url = f"http://{host}/rate"
        self._socket = websocket
        self.bar: dict[str, Any] = {}
        self._bar_id = ""
        self._start_id = ""

    def open(self) -> None:
        """Load the page and press Start."""
        self._run([])
        self._run([WidgetState(id=self._start_id, trigger_value=True)])

    def answer(self, value: int) -> float:
        """Answer the item that is shown, after practice also its feedback. Returns seconds until the next one."""
        begin = time.perf_counter()
        given = {"trial": self.bar["trial"], "value": value, "shown": 1000, "hidden": 0, "choices": [[900, value]]}
        self._send("answered", given)
        if self.bar["mode"] == "feedback":
            self._send("continued", given["trial"])
        return time.perf_counter() - begin

    def _send(self, event: str, value: Any) -> None:
        payload = json.dumps([{"event": event, "value": value}])
        trigger = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{self._bar_id}__events", json_trigger_value=payload)
        self._run([WidgetState(id=self._bar_id, json_value=json.dumps({"room": 640})), trigger])

    def _run(self, widgets: list[WidgetState]) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.page_name = "rate"
        state.context_info.url = self._url
        state.widget_states.widgets.extend(widgets)
        self._socket.send(message.SerializeToString())
        self._receive()

    def _receive(self) -> None:
        while True:
            message = ForwardMsg()
            message.ParseFromString(self._socket.recv(timeout=120))
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._take(message.delta.new_element)
            elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return

    def _take(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "button" and element.button.type == "primary":
            self._start_id = element.button.id
        elif kind == "bidi_component" and element.bidi_component.component_name == "answer_bar":
            self._bar_id = element.bidi_component.id
            self.bar = json.loads(element.bidi_component.json or element.bidi_component.mixed.json)


def enrol(workspace: Path, raters: int, answers: int) -> tuple[Store, str, list[str]]:
    """A 12-lead study of at least `answers` items, and the codes of its raters."""
    place = Workspace(workspace)
    store = open_store(place.database_url, place.folder("study-items")).acting(OWNER)
    spec = DataSpec("ecg", (12, 1000), "mV", 100.0, LEADS)
    protocol = StudyProtocol(title="Load", per_side=max(2, answers // 2 + 1), practice=0)
    real, synthetic = (Batch(torch.randn(protocol.items_per_side, *spec.shape), spec) for _ in range(2))
    now = datetime.now(UTC)
    study = create_study(store, protocol, real, synthetic, source="noise", now=now)
    places = invite(store, study, raters, now=now)
    people = [Profile(f"rater {number}", "", 1) for number in range(raters)]
    return store, study, [store.join(place, own, now) for place, own in zip(places, people, strict=True)]


def _connected(host: str, code: str) -> ClientConnection:
    """As a browser that remembers a rater."""
    cookie = {"Cookie": f"{COOKIE}={code}"}
    return connect(f"ws://{host}/_stcore/stream", subprotocols=PROTOCOL, additional_headers=cookie)


def measure(raters: int, answers: int, *, pause: float = 0.5) -> Measurement:
    """Let `raters` give `answers` each, at the same time, with `pause` seconds between the answers of one."""
    with tempfile.TemporaryDirectory() as folder:
        store, study, codes = enrol(Path(folder), raters, answers)
        with serve(Path(folder)) as (host, process), ExitStack() as sockets:
            people = [Rater(host, sockets.enter_context(_connected(host, code))) for code in codes]
            for person in people:
                person.open()
            before = process.cpu_times()
            waits = _rate_together(people, answers, pause)
            after = process.cpu_times()
        kept = sum(progress.answered for progress in store.progress(study))
    spent = (after.user + after.system) - (before.user + before.system)
    waits.sort()
    return Measurement(
        raters=raters,
        sent=raters * answers,
        kept=kept,
        cpu_ms_per_answer=round(1000 * spent / (raters * answers), 1),
        median_wait_ms=round(1000 * waits[len(waits) // 2], 1),
        longest_wait_ms=round(1000 * waits[-1], 1),
    )


def _rate_together(people: list[Rater], answers: int, pause: float) -> list[float]:
    waits: list[float] = []

    def rate(person: Rater, number: int) -> None:
        time.sleep(pause * number / len(people))
        for turn in range(answers):
            waits.append(person.answer(1 + (number + turn) % 6))
            time.sleep(pause)

    threads = [threading.Thread(target=rate, args=(person, number)) for number, person in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=30)
    parser.add_argument("--answers", type=int, default=10, help="per rater")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between the answers of one rater")
    given = parser.parse_args()
    print(json.dumps(asdict(measure(given.raters, given.answers, pause=given.pause))))


if __name__ == "__main__":
    main()
