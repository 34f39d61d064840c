"""Tests of the stage in a real browser, from a comment to its mail in the inbox."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from stage.browser.overlaps import overlaps
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client


def write(page, body: str) -> None:
    page.get_by_label("Name").fill("Aoi")
    page.get_by_label("E-mail").fill("aoi@example.test")
    page.get_by_role("textbox", name="Comment").fill(body)
    page.get_by_role("button", name="Post the comment").click()


def new_round(page: Page) -> None:
    """Press the key that starts a new round, and wait for the server's response."""
    with page.expect_response("**/stage/do/new-round"):
        page.keyboard.press("n")


def test_a_comment_becomes_a_job_and_a_mail_in_the_inbox(tab, client: Client) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": 5})
    page = tab("/posts/1")
    write(page, "From a browser.")
    status = page.locator("#travel-place")
    expect(status).to_contain_text("A worker is handing it")
    expect(status).to_contain_text("Akiko has the mail")
    page.get_by_role("link", name="See its job").click()
    timeline = page.locator(".timeline")
    for step in ("enqueued", "claimed by a worker", "delivered"):
        expect(timeline).to_contain_text(step)
    page.get_by_role("link", name="See the mail in the inbox").click()
    expect(page.locator("#mail")).to_contain_text("Aoi commented on")
    assert "token" not in page.url
    page.locator("#mail .fields a").click()
    expect(timeline).to_contain_text("delivered")


def test_the_error_of_a_comment_is_in_sight(tab) -> None:
    page = tab("/posts/1", viewport={"width": 390, "height": 600}, expected="422")
    write(page, " ")
    expect(page.get_by_role("alert")).to_be_in_viewport()


def test_a_reader_without_the_token_sees_the_mail_travel_too(tab) -> None:
    page = tab("/posts/2", holder=False)
    write(page, "No token here.")
    expect(page.locator("#travel-place")).to_contain_text("Björn has the mail")
    expect(page.get_by_role("navigation")).to_have_count(0)


def test_no_link_tells_another_site_the_token(tab, stack: Stack) -> None:
    page = tab("/")
    page.goto(f"{stack.ready['web']}/jobs?token={stack.ready['token']}")
    assert "token" not in page.url
    with page.expect_request(re.compile("/stage$")) as request:
        page.get_by_role("link", name="Stage").click()
    assert "referer" not in request.value.headers


#: Records the states that the stage shows for half a second: a busy test could miss them.
_NOTE_WHAT_IS_SHOWN = """() => {
  window.seen = {};
  document.addEventListener("fresh", () => {
    const box = document.querySelector(".box.off");
    const words = document.getElementById("in-words").textContent;
    seen.held ||= Boolean(box?.textContent.includes("killed") && box.querySelector(".token"));
    seen.text ||= words.includes("Jobs to be rescued from it: 4");
    seen.rescued ||= document.querySelector(".token.rescued") !== null;
  });
}"""


@pytest.mark.thorough
@pytest.mark.usefixtures("nothing_moves")
def test_a_killed_workers_jobs_go_back_to_the_head_and_are_delivered(tab, client: Client) -> None:
    page = tab("/stage")
    new_round(page)
    expect(page.locator("[data-sum=posted]")).to_have_text("0")
    client.set_faults({"at": "data", "do": "wait", "seconds": 8})
    page.keyboard.press("b")
    expect(page.locator(".box").first.locator("span").first).to_contain_text("4/4 jobs")
    expect(page.locator(".box .token").nth(3)).to_be_attached()
    page.evaluate(_NOTE_WHAT_IS_SHOWN)
    page.keyboard.press("w")
    until(lambda: page.evaluate("seen.held && seen.text && seen.rescued"), what="all of the rescue")
    # a job whose mail was sent just before the kill is counted as delivered
    expect(page.locator("#in-words")).to_contain_text(re.compile("on their way again: [1-4]"))
    expect(page.locator("#in-words")).to_contain_text("0 lost")
    client.set_faults()
    expect(page.locator("[data-sum=delivered]")).to_have_text("50")
    expect(page.locator("[data-sum=lost]")).to_have_text("0")
    expect(page.locator("#tomb")).to_contain_text(
        re.compile(r"[1-4] jobs rescued after .* s, 0 lost")
    )
    _goes_to_the_kill_on_the_tape_and_back_to_now(page, client)


#: Waits for two pictures: the first one may have been requested before the call.
_TWO_PICTURES = """() => new Promise((done) => {
  const next = (then) => document.addEventListener("fresh", then, { once: true });
  next(() => next(done));
})"""


def _goes_to_the_kill_on_the_tape_and_back_to_now(page: Page, client: Client) -> None:
    # a Japanese input method sends a wide space (U+3000)
    page.evaluate(
        "document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: '　', code: 'Space', bubbles: true}))"
    )
    expect(page.locator("#tape")).to_be_visible()
    expect(page.locator(".keys")).to_be_hidden()

    def tape() -> dict[str, Any]:
        shown: dict[str, Any] = page.evaluate(
            "JSON.parse(document.getElementById('main').dataset.tape)"
        )
        return shown

    def reaches(moment: float) -> None:
        until(lambda: tape()["moment"] == moment, what=f"the picture of {moment}")

    stopped = tape()
    page.keyboard.press("c")  # this key has no effect during a replay
    client.comment()  # a replay does not show a new comment
    page.evaluate(_TWO_PICTURES)
    expect(page.locator("[data-sum=posted]")).to_have_text("50")
    kinds = [kind for _, kind in stopped["marks"]]
    assert kinds[-2:] == ["kill", "rescue"]
    for at, kind in reversed(stopped["marks"][-2:]):
        page.keyboard.press("ArrowDown")
        reaches(at)
        expect(page.locator(".box.off")).to_have_count(1 if kind == "kill" else 0)
    here = tape()
    page.keyboard.press("ArrowLeft")
    reaches(here["previous"])
    page.keyboard.press("ArrowRight")
    reaches(here["moment"])
    page.locator("#play").click()
    until(lambda: tape()["moment"] > here["moment"], what="a later picture")
    page.keyboard.press("Escape")
    expect(page.locator(".keys")).to_be_visible()
    expect(page.locator("[data-sum=posted]")).to_have_text("51")


#: Finds texts and tokens that are too small for the window, and keys outside the window.
_TOO_SMALL = """() => {
  const percent = (pixels) => 100 * pixels / innerHeight;
  const seen = [...document.querySelectorAll("body *")].filter((one) =>
    one.checkVisibility({visibilityProperty: true})
    && !one.closest(".quiet-words, .hidden, .skip, .floor:not(:has(.token))"));
  const texts = seen.filter((one) => [...one.childNodes].some((node) =>
    node.nodeType === 3 && node.textContent.trim()));
  const small = texts.filter((one) => percent(parseFloat(getComputedStyle(one).fontSize)) < 4.5);
  const tokens = seen.filter((one) => one.matches(".token") && percent(one.offsetHeight) < 6);
  const cut = [...document.querySelectorAll(".keys button")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.bottom > innerHeight || box.right > innerWidth;
  });
  return [...small, ...tokens, ...cut].map((one) => one.outerHTML.slice(0, 80));
}"""


@pytest.mark.thorough
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (1024, 768)])
def test_everything_is_read_from_the_last_row_and_no_key_is_cut(tab, size, language) -> None:
    width, height = size
    page = tab("/stage", viewport={"width": width, "height": height}, locale=language)
    page.keyboard.press("c")
    expect(page.locator(".token").first).to_be_attached()
    assert page.evaluate(_TOO_SMALL) == []
    assert page.evaluate("document.documentElement.scrollHeight") <= height


@pytest.mark.usefixtures("nothing_moves")
def test_a_token_that_has_arrived_lies_still(tab) -> None:
    page = tab("/stage")
    new_round(page)
    expect(page.locator(".token")).to_have_count(0)
    page.keyboard.press("c")
    expect(page.locator("[data-floor=inbox] .token")).to_have_count(1)
    until(lambda: not page.evaluate("document.getAnimations().length"), what="the end of its way")


def test_a_floor_that_is_full_says_how_many_more_there_are(tab, client: Client) -> None:
    page = tab("/stage", viewport={"width": 390, "height": 844})
    new_round(page)
    client.set_faults({"at": "rcpt", "do": "answer", "code": 550, "text": "no such user"})
    page.keyboard.press("b")
    floor = page.locator("[data-floor=dead]")
    until(client.at_rest, what="the last try")
    seen = page.locator("[data-floor=dead] .token:not(.beyond)")
    expect(page.locator("[data-floor=dead] .token")).to_have_count(50)
    expect(floor).to_have_attribute("data-more", f"+{50 - seen.count()}")
    spilt = "rooms => rooms.filter(one => one.scrollHeight > one.clientHeight + 2).length"
    assert page.locator(".board > .room").evaluate_all(spilt) == 0, "a room holds what is in it"
    page.locator('[data-action="kill-worker"]').click(trial=True)


@pytest.mark.thorough
def test_jobs_in_memory_die_with_the_web_app_and_it_looks_as_bad_as_it_is(tab, client) -> None:
    page = tab("/stage", expected="ERR_")
    new_round(page)
    expect(page.locator("[data-sum=posted]")).to_have_text("0")
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="memory")).to_have_attribute("aria-pressed", "true")
    client.set_faults({"at": "data", "do": "wait", "seconds": 30})
    page.keyboard.press("b")
    expect(page.locator("[data-sum=posted]")).to_have_text("50")
    page.keyboard.press("x")
    expect(page.locator("#web-says")).to_have_text("The web app is dead")
    until(lambda: overlaps(page) == [], what="room for all, once more")
    expect(page.locator(".sum.lost.any b")).to_have_text("50")
    expect(page.locator("[data-floor=lost] .token").first).to_be_visible()
    expect(page.get_by_role("button", name="Redis", exact=False).last).to_have_attribute(
        "aria-pressed", "true"
    )
    # the web app's empty room is folded; after a restart, the room must not look dead any more
    expect(page.locator(".room.web.folded:not(.open)")).to_be_attached()
    page.keyboard.press("x")
    expect(page.locator("#web-says")).to_be_visible()
    expect(page.locator(".room.web.off")).to_have_count(0)


def test_reduced_motion_is_respected(tab) -> None:
    page = tab("/stage", reduced_motion="reduce")
    page.keyboard.press("c")
    token = page.locator(".token").first
    expect(token).to_be_attached()
    expect(page.locator("[data-floor=inbox] .token")).not_to_have_count(0)
    assert page.evaluate("document.getAnimations().length") == 0
