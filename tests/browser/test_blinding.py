"""A whole rating session is recorded at the browser; nothing in it may say what an item is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, WebSocket
from sqlalchemy import select

from benchmarks.raters import serve
from synth_core.study import key
from synth_core.study.access import OWNER
from synth_core.study.database import open_store
from synth_core.study.design import create_study
from synth_core.study.invitations import invite
from synth_core.study.protocol import ANSWERS, StudyProtocol
from synth_core.study.store import Store
from synth_core.study.tables import Answer, Trial
from synth_core.types import Batch, Condition, DataSpec
from synth_core.workspace import Workspace

DISTINCTIVE = ("zebraclass", "quaggaclass", "okapigenerator", "tapirpatient", "lemurtitle")
TRUTH = re.compile(rb"synthetic|\bfake|generated|\btruth|\breal\b")
CONSTANT = [label.lower().encode() for label in ANSWERS[6]] + [b"synthscope: synthetic eeg, ecg and ct"]  # menu: about
MARKUP = """() => {
  const roots = (node) => [...node.querySelectorAll("*")]
    .filter((element) => element.shadowRoot)
    .flatMap(({ shadowRoot }) => [shadowRoot, ...roots(shadowRoot)]);
  return document.body.outerHTML + roots(document).map((root) => root.innerHTML).join("");
}"""
SPECS = {
    "ecg": DataSpec("ecg", (3, 400), "mV", 100.0, ("I", "II", "III"), DISTINCTIVE[:2]),
    "ct": DataSpec("ct", (1, 32, 32), "HU", 0.5, (), DISTINCTIVE[:2]),
}


@dataclass
class Recording:
    """Everything that passed between browser and server, and what stood in the page."""

    sent: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("websocket", self._socket)
        page.on("request", lambda request: self.addresses.append(f"{request.url} {request.post_data or ''}"))
        page.on("framenavigated", lambda frame: self.addresses.append(frame.url))

    def _socket(self, socket: WebSocket) -> None:
        self.addresses.append(socket.url)
        socket.on("framesent", lambda frame: self.sent.append(_bytes(frame)))
        socket.on("framereceived", lambda frame: self.received.append(_bytes(frame)))

    def everything(self) -> list[bytes]:
        return [*self.sent, *self.received, *(text.encode() for text in (*self.addresses, *self.pages))]


def _bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()


def leaks(recording: Recording) -> list[str]:
    """Words in a recording that unblind: distinctive ones anywhere, words for the truth outside fixed phrases."""
    found = []
    for content in recording.everything():
        text = content.lower()
        found += [word for word in DISTINCTIVE if word.encode() in text]
        for phrase in CONSTANT:
            text = text.replace(phrase, b"")
        found += [
            text[max(0, hit.start() - 30) : hit.end() + 30].decode(errors="replace") for hit in TRUTH.finditer(text)
        ]
    return found


def make_study(workspace: Path, modality: str, instructions: str | None = None) -> tuple[Store, str, str]:
    """Four items a side; the synthetic ones differ in amplitude, number of decimals and range."""
    place = Workspace(workspace)
    store = open_store(place.database_url, place.folder("study-items")).acting(OWNER)
    spec, n = SPECS[modality], 4
    unit = 300.0 if modality == "ct" else 1.0
    labels = Condition(labels=torch.eye(2).repeat(n // 2, 1))
    real = torch.round(torch.randn(n, *spec.shape) * unit, decimals=1)
    told = {} if instructions is None else {"instructions": instructions}
    study = create_study(
        store,
        StudyProtocol(title=DISTINCTIVE[4], per_side=n, practice=0, repeats=0, **told),
        Batch(real, spec, labels, tuple(f"{DISTINCTIVE[3]}-{index}" for index in range(n))),
        Batch((torch.randn(n, *spec.shape) * unit / 7).clamp(-unit / 5, unit / 5), spec, labels),
        source=DISTINCTIVE[2],
        now=datetime.now(UTC),
    )
    return store, study, invite(store, study, 1, now=datetime.now(UTC))[0]


@contextmanager
def recorded(browser: Browser, host: str, invitation: str) -> Iterator[tuple[Page, Recording]]:
    """A rater who has joined by the invitation and sees the instructions."""
    page, recording = browser.new_page(viewport={"width": 1024, "height": 768}), Recording()
    recording.listen(page)
    page.goto(f"http://{host}/rate?invitation={invitation}")
    page.get_by_role("textbox", name="Name or pseudonym").fill("rater", timeout=60_000)
    page.get_by_role("spinbutton", name="Years of experience in it").fill("3")
    page.locator("label").filter(has_text="I take part").click()
    page.get_by_role("button", name="Take part", exact=True).click()
    page.get_by_role("button", name="Start").wait_for()
    assert page.url == f"http://{host}/rate"  # what follows holds no token
    settle(page, recording)  # a key that falls on a button which is being drawn again goes nowhere
    recording.pages.append(page.evaluate(MARKUP))
    yield page, recording
    page.close()


def settle(page: Page, recording: Recording) -> None:
    """Wait until no frame has come for a while."""
    count = -1
    while count != len(recording.received):
        count = len(recording.received)
        page.wait_for_timeout(400)


def rate_all(page: Page, recording: Recording, n: int) -> list[list[int]]:
    """Answer by keyboard; sizes of the messages that brought each item but the first."""
    page.get_by_role("button", name="Start").press("Enter")
    page.get_by_text(f"1 of {n}").wait_for()
    settle(page, recording)
    sizes = []
    for number in range(1, n + 1):
        before = len(recording.received)
        page.keyboard.press(str(1 + number % 6))
        page.keyboard.press("Enter")
        following = page.get_by_text(f"{number + 1} of {n}" if number < n else "Thank you")
        following.wait_for()
        settle(page, recording)
        recording.pages.append(page.evaluate(MARKUP))
        recording.addresses.append(page.url)
        sizes.append(sorted(map(len, recording.received[before:])))
    return sizes[:-1]  # the last answer brings no item


@pytest.mark.browser
@pytest.mark.parametrize("modality", ["ecg", "ct"])
def test_a_rating_session_says_nothing_of_the_truth(browser: Browser, tmp_path: Path, modality: str) -> None:
    store, study, invitation = make_study(tmp_path, modality)
    with serve(tmp_path) as (host, _), recorded(browser, host, invitation) as (page, recording):
        sizes = rate_all(page, recording, 8)
    assert leaks(recording) == []
    assert len(recording.received) > 20
    with store.session() as session:
        truth = key.truth_of(session, study)
        shown = [truth[item].synthetic for item in session.scalars(select(Trial.item_id).order_by(Trial.position))]
        given = session.scalars(select(Answer.value).order_by(Answer.id)).all()
    assert list(given) == [1 + number % 6 for number in range(1, 9)]
    by_truth = [
        {tuple(own) for own, synthetic in zip(sizes, shown[1:], strict=True) if synthetic == side} for side in (0, 1)
    ]
    assert by_truth[0] == by_truth[1]
    assert len(by_truth[0]) == 1


@pytest.mark.browser
def test_the_check_finds_a_planted_word(browser: Browser, tmp_path: Path) -> None:
    _, _, first = make_study(tmp_path, "ecg", f"These come from {DISTINCTIVE[2]}.")
    _, _, second = make_study(tmp_path, "ecg", "The first is fake.")
    with serve(tmp_path) as (host, _):
        for invitation in (first, second):
            with recorded(browser, host, invitation) as (_, recording):
                assert leaks(recording) != []
