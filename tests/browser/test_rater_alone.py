"""A rater at a server with a password: the cookie lets them rate, and nothing else, by whatever address."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from benchmarks.raters import serve
from pages.shared.visitor import COOKIE
from synth_core.study.invitations import invite
from synth_core.study.results import unblind
from synth_core.study.store import Store
from synth_core.study.tables import Answer
from synth_core.study.verification import verify
from tests.browser.test_blinding import DISTINCTIVE, make_study
from tests.study.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
OWNERS = ("", "study", "compare", "data", "train", "evaluate", "study?study={study}")
ODD = ("rate/study", "study/rate", "rate/enter", "Study", "rate/../study")  # whatever comes, it tells nothing
RATING = ("rate?study={study}", "rate?code={code}", "rate?invitation={used}", "rate?invitation={study}")


@pytest.fixture
def study(tmp_path: Path) -> tuple[Store, str, str]:
    return make_study(tmp_path, "ecg")


@pytest.fixture
def host(study: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SYNTHSCOPE_PASSWORD", "open sesame")
    with serve(tmp_path) as (host, _):
        yield host


def take_part(context: BrowserContext, host: str, invitation: str, name: str) -> Page:
    page = context.new_page()
    page.goto(f"http://{host}/rate?invitation={invitation}")
    page.get_by_role("textbox", name="Name or pseudonym").fill(name, timeout=60_000)
    page.get_by_role("spinbutton", name="Years of experience in it").fill("3")
    page.locator("label").filter(has_text="I take part").click()
    page.get_by_role("button", name="Take part", exact=True).click()
    expect(page.get_by_role("button", name="Start")).to_be_visible(timeout=60_000)
    assert page.url == f"http://{host}/rate"
    return page


def rate(page: Page, number: int, keys: str) -> None:
    """Answer the item of this number once it is drawn."""
    expect(page.get_by_text(f"{number} of 8")).to_be_visible()
    page.wait_for_function("() => window.firstFrame?.showing && window.firstFrame.showing !== window.ratedBefore")
    page.evaluate("() => { window.ratedBefore = window.firstFrame.showing }")
    for press in keys:
        page.keyboard.press(press)
    page.keyboard.press("Enter")


def answers(store: Store) -> list[Answer]:
    with store.session() as session:
        return list(session.scalars(select(Answer).order_by(Answer.id)))


def test_a_cookie_lets_rate_and_nothing_else(browser: Browser, host: str, study: tuple[Store, str, str]) -> None:
    store, made, invitation = study
    context = browser.new_context()
    page = take_part(context, host, invitation, "Ada")
    (cookie,) = [one for one in context.cookies() if one["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("() => document.cookie").find(cookie["value"]) == -1
    unblind(store, made, "done", NOW)  # so that there are results to be seen
    for address in OWNERS:
        page.goto(f"http://{host}/{address.format(study=made)}")
        expect(page.get_by_role("textbox", name="Password of this workspace")).to_be_visible(timeout=60_000)
        _sees_nothing(page)
    for address in ODD:
        page.goto(f"http://{host}/{address}")
        page.wait_for_timeout(3000)
        _sees_nothing(page)
    for address in RATING:
        page.goto(f"http://{host}/{address.format(study=made, code=cookie['value'], used=invitation)}")
        expect(page.locator("h1")).to_have_text("Rate", timeout=60_000)
        expect(page.get_by_test_id("stAlert").first).to_be_visible()
        _sees_nothing(page)


def _sees_nothing(page: Page) -> None:
    page.wait_for_timeout(500)
    content = page.content().lower()
    assert [word for word in DISTINCTIVE if word in content] == []
    assert not re.search("unblind|accuracy|invitations", content)
    assert page.get_by_test_id("stSidebarNav").count() == 0


def test_guessed_cookies_and_codes_are_no_way_in(browser: Browser, host: str) -> None:
    context = browser.new_context()
    context.add_cookies([{"name": COOKIE, "value": "0" * 32, "url": f"http://{host}/"}])
    page = context.new_page()
    page.goto(f"http://{host}/rate")
    field = page.get_by_role("textbox", name="Participation code")
    field.fill("1" * 32, timeout=60_000)
    field.press("Enter")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("This participation code is not known here")).to_be_visible()


def test_rating_goes_on_after_a_reload_and_on_another_device(
    browser: Browser, host: str, study: tuple[Store, str, str]
) -> None:
    store, made, invitation = study
    first = browser.new_context()
    page = take_part(first, host, invitation, "Ada")
    code = page.locator("code").first.inner_text()
    page.get_by_role("button", name="Start").press("Enter")
    rate(page, 1, "25")
    rate(page, 2, "3")
    expect(page.get_by_text("3 of 8")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Go on").press("Enter", timeout=60_000)
    rate(page, 3, "4")
    expect(page.get_by_text("4 of 8")).to_be_visible()
    other = browser.new_context().new_page()
    other.goto(f"http://{host}/rate")
    other.get_by_role("textbox", name="Participation code").fill(code, timeout=60_000)
    other.get_by_role("textbox", name="Participation code").press("Enter")
    other.get_by_role("button", name="Go on").click()
    expect(other.get_by_text("Your participation code")).to_be_visible(timeout=60_000)
    assert other.url == f"http://{host}/rate"
    kept = answers(store)
    assert [answer.value for answer in kept] == [5, 3, 4]
    assert [value for _, value in kept[0].choices or []] == [2, 5]
    assert all(answer.hidden_ms == 0 < answer.shown_ms for answer in kept)
    assert verify(store, made).intact


def test_time_in_a_hidden_tab_is_not_time_on_the_item(
    browser: Browser, host: str, study: tuple[Store, str, str]
) -> None:
    store, made, _ = study
    context = browser.new_context()
    page = take_part(context, host, invite(store, made, 1, now=NOW)[0], "Bob")
    page.get_by_role("button", name="Start").press("Enter")
    page.wait_for_function("() => window.firstFrame")
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    began = page.evaluate("() => performance.now()")
    page.evaluate(hide, True)
    page.wait_for_timeout(3000)
    page.evaluate(hide, False)
    seen = page.evaluate("() => performance.now() - window.firstFrame.at")
    away = page.evaluate("() => performance.now()") - began
    rate(page, 1, "2")
    expect(page.get_by_text("2 of 8")).to_be_visible()
    (answer,) = answers(store)
    total = answer.shown_ms + (answer.hidden_ms or 0)
    assert 3000 <= (answer.hidden_ms or 0) <= away + 1
    assert total >= seen - 2
