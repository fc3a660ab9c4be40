"""Work of seconds to minutes in a thread of the server: it goes on while people turn pages, and can be cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.shared import shell, words

Progress = Callable[[int, int, str], None]


class Cancelled(Exception):
    """Raised inside the work when the user cancels."""


@dataclass
class Job:
    """One piece of work and how far it is."""

    title: str
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    total: int = 0
    message: str = ""
    result: Any = None
    problem: str = ""
    ended: bool = False
    cancelling: bool = False
    cancelled: str = "Cancelled; nothing was kept."

    def progress(self, done: int, total: int, message: str = "") -> None:
        """What the work calls as it goes on; raises Cancelled once the user wants that."""
        if self.cancelling:
            raise Cancelled
        self.done, self.total, self.message = done, total, message

    @property
    def share(self) -> float:
        """Part done, in [0, 1]."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """From the pace so far; None until there is one, and for a few large pieces, whose pace says little."""
        elapsed = time.monotonic() - self.started
        return elapsed * (1 / self.share - 1) if self.done >= 3 and self.total >= 10 and elapsed > 1 else None


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[str, Job]:
    return {}


def get(key: str) -> Job | None:
    """The running or just ended job of this name."""
    return _jobs().get(key)


def forget(key: str) -> None:
    """Drop a job that has ended."""
    _jobs().pop(key, None)


def start(key: str, title: str, work: Callable[[Progress], Any], cancelled: str = Job.cancelled) -> Job:
    """Start `work(progress)` in a thread, unless one of this name runs; `cancelled` is said when it was stopped."""
    running = get(key)
    if running is not None and not running.ended:
        return running
    job = _jobs()[key] = Job(title, cancelled=cancelled)
    threading.Thread(target=_run, args=(job, work), name=f"job-{key}", daemon=True).start()
    return job


def _run(job: Job, work: Callable[[Progress], Any]) -> None:
    try:
        job.result = work(job.progress)
    except Cancelled:
        job.problem = job.cancelled
    except Exception as error:
        job.problem = shell.sentence(error)
    finally:
        job.ended = True


@st.fragment(run_every=1.0)
def watch(key: str) -> None:
    """Progress with time left and a cancel button; reruns the page when the job has ended."""
    job = get(key)
    if job is None or job.ended:
        st.rerun()
        return
    left = f" · about {words.duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, text=f"{words.plain(job.title)}: {words.plain(job.message or 'starting')}{left}")
        if st.button("Cancel", key=f"{key}-cancel", disabled=job.cancelling):
            job.cancelling = True
