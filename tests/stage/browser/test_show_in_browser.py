"""Tests of a show, controlled by PageDown alone, of the speaker's notes, and of recorded shows."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from stage.browser.overlaps import overlaps
from stage.stage_page import show_caption, show_caption_of
from support import living, until

from demo_app.stack.client import Client
from demo_app.stage.recorder import Frame, film, picture_of, record
from demo_app.stage.show import steps

pytestmark = pytest.mark.thorough

#: For the first words of a caption, the sums on the stage that make the caption true.
TRUE_WHEN = {
    "One comment:": {"posted": 1, "delivered": 1, "lost": 0},
    "{posted} comments": {"posted": 101, "waiting": 0, "running": 0, "delivered": 101, "lost": 0},
    "The outbox": {"posted": 102, "delivered": 102, "lost": 0},
    "They are gone": {"posted": 152},
    "This project": {"posted": 8, "delivered": 8, "lost": 0},
}
#: The options of `up --show`.
STACK = {"workers": 2, "lease": 5.0, "controls": True, "twin": True}


def sums(page: Page) -> dict[str, int]:
    names = ("posted", "waiting", "running", "delivered", "lost")
    return {name: int(page.locator(f"[data-sum={name}]").text_content() or 0) for name in names}


def press_with_input_method(page: Page, key: str) -> None:
    """Send a key as a browser does when an input method (as for Japanese) handles the key first."""
    page.evaluate(
        "code => document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Process', code, isComposing: true, bubbles: true}))",
        key,
    )


def press_soon(page: Page, key: str) -> None:
    """Press a key after a pause: the show ignores a press that follows another one too soon."""
    page.wait_for_timeout(450)
    page.keyboard.press(key)


#: Records the error messages after key presses: the stage shows each only for a few seconds.
_NOTE_FAILURES = """() => {
  globalThis.failures = [];
  const note = document.getElementById("oops");
  new MutationObserver(() => failures.push(note.textContent)).observe(note, { childList: true });
}"""


@pytest.mark.timeout(400)
def test_the_show_runs_to_its_end_with_true_captions(tab, client: Client) -> None:
    client.comment()  # the show must not count this comment
    page = tab("/stage?show=four-minutes", expected="ERR_")
    caption = page.locator(".caption")
    expect(caption).to_have_text("PageDown begins the show.")
    page.evaluate(_NOTE_FAILURES)
    for step in steps("four-minutes", "en"):
        if not step["hold"]:
            continue
        words = step["words"]
        press_soon(page, "PageDown")
        # the caption shows numbers instead of the names in braces
        pattern = re.sub(r"\\{\w+\\}", r"\\d+", re.escape(words))
        expect(caption).to_have_text(re.compile(f"^{pattern}"), timeout=90_000)
        expect(caption).not_to_have_class(re.compile("waits"), timeout=90_000)
        assert overlaps(page) == [], words
        assert page.evaluate("failures") == [], words
        for start, expected in TRUE_WHEN.items():
            if words.startswith(start):
                now = sums(page)
                assert {name: now[name] for name in expected} == expected, words
        if words.startswith("Its lease has ended"):
            first = page.locator("[data-floor=queue] .token").first
            expect(first).to_have_class(re.compile("rescued"))
            for language in ("en", "ja"):
                _has_each_rescued_job_in_sight(tab, language)
        if words.startswith("They are gone"):
            assert sums(page)["lost"] >= 1


def _has_each_rescued_job_in_sight(tab, language: str) -> None:
    page = tab("/stage?show=four-minutes", locale=language)
    for width, height in ((1280, 720), (1024, 768), (800, 600)):
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        show_caption_of(page, "LMOVE", language)
        rescued = page.locator("[data-floor=queue] .token.rescued")
        expect(rescued.first).to_be_attached()
        for token in rescued.all():
            expect(token).to_be_in_viewport(ratio=1)
            box = token.bounding_box()
            assert box is not None
            assert box["height"] >= 0.08 * min(height, 0.75 * width)
        assert overlaps(page) == []
    page.close()


def test_the_speakers_window_follows_one_show_and_turns_its_pages(tab) -> None:
    page = tab("/stage?show=four-minutes")
    other, notes = page.context.new_page(), page.context.new_page()
    other.goto(page.url)
    notes.goto(page.url.partition("?")[0] + "/notes")
    expect(notes.locator("#away")).to_be_hidden()
    notes.keyboard.press("PageDown")
    expect(page.locator(".caption")).to_contain_text("the two is a job")
    expect(notes.locator("#now")).to_contain_text("the two is a job")
    expect(notes.locator("#next")).to_contain_text("One comment")
    expect(notes.locator("#left")).to_have_text(re.compile(r"3:\d\d"))
    expect(other.locator(".caption")).to_have_text("PageDown begins the show.")
    press_with_input_method(notes, "Period")
    expect(page.locator("#main")).to_be_hidden()


def test_pageup_shows_an_earlier_caption_and_does_nothing(tab) -> None:
    page = tab("/stage?show=four-minutes")
    caption = page.locator(".caption")
    press_soon(page, "PageDown")
    expect(caption).to_contain_text("the two is a job")
    press_soon(page, "PageDown")
    expect(caption).to_contain_text("One comment")
    expect(caption).not_to_have_class(re.compile("waits"))
    page.keyboard.press("PageUp")
    expect(caption).to_contain_text("the two is a job")
    page.wait_for_timeout(450)
    press_with_input_method(page, "PageDown")
    expect(caption).to_contain_text("One comment")
    assert sums(page)["posted"] == 1
    page.keyboard.press(".")
    expect(page.locator("#main")).to_be_hidden()
    page.keyboard.press(".")
    page.keyboard.press("Escape")
    expect(page.locator(".keys")).to_be_visible()
    expect(caption).to_have_count(0)


def test_a_phones_comment_during_a_clean_start_does_not_stop_the_show(tab, client: Client) -> None:
    def comment_before_the_answer(route: Route) -> None:
        answer = route.fetch()
        client.comment()
        route.fulfill(response=answer)

    page = tab("/stage?show=four-minutes")
    page.route("**/stage/do/clean", comment_before_the_answer)
    press_soon(page, "PageDown")
    expect(page.locator(".caption")).to_contain_text("the two is a job")
    expect(page.locator("[data-sum=posted]")).to_have_text("1")


def test_a_show_skips_nothing_if_a_key_is_sent_twice_or_the_page_is_loaded_again(tab) -> None:
    page = tab("/stage?show=four-minutes")
    caption = page.locator(".caption")
    press_soon(page, "PageDown")
    page.keyboard.press("PageDown")
    expect(caption).to_contain_text("the two is a job")
    assert sums(page)["posted"] == 0
    press_soon(page, "PageDown")
    expect(caption).to_contain_text("One comment")
    expect(caption).not_to_have_class(re.compile("waits"))
    page.reload()
    expect(caption).to_contain_text("One comment")
    assert sums(page)["posted"] == 1
    press_soon(page, "PageDown")
    expect(caption).to_contain_text("Who will wait?")
    assert sums(page)["posted"] == 1


def test_pagedown_on_the_tape_leads_back_to_now_and_does_nothing_else(tab) -> None:
    page = tab("/stage?show=four-minutes")
    caption = page.locator(".caption")
    press_soon(page, "PageDown")
    expect(caption).to_contain_text("the two is a job")
    page.keyboard.press("Space")
    expect(page.locator("body.replay")).to_be_attached()
    press_soon(page, "PageDown")
    expect(page.locator("body.replay")).to_have_count(0)
    expect(caption).to_contain_text("the two is a job")
    press_soon(page, "PageDown")
    expect(caption).to_contain_text("One comment")


#: Finds katakana or Latin words of a caption that a line break divides.
_BROKEN = """() => {
  const found = [];
  const range = document.createRange();
  const words = document.querySelector(".caption").firstChild;
  for (const { 0: word, index } of words.data.matchAll(/[ァ-ヶー]+|[a-z]+/gi)) {
    range.setStart(words, index);
    range.setEnd(words, index + word.length);
    const lines = new Set([...range.getClientRects()].map(({ top }) => top));
    if (lines.size > 1) found.push(word);
  }
  return found;
}"""


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)])
def test_no_line_of_a_japanese_caption_ends_inside_a_word(tab, size) -> None:
    view = {"width": size[0], "height": size[1]}
    page = tab("/stage?show=four-minutes", viewport=view, locale="ja")
    for step in steps("four-minutes", "ja"):
        if step["words"]:
            show_caption(page, step)
            assert page.evaluate(_BROKEN) == [], step["words"]


def test_one_key_brings_everything_back_to_a_clean_start(tab, client: Client) -> None:
    page = tab("/stage")
    client.set_faults({"at": "data", "do": "wait", "seconds": 5})
    before = living(client.summary())
    page.keyboard.press("b")
    client.wait_for(lambda now: now["running"] == 8)
    page.keyboard.press("Z")  # with CapsLock
    now = client.wait_for(lambda now: len(living(now) - before) == 2)
    assert [now[state] for state in ("enqueued", "queued", "running", "done")] == [0, 0, 0, 0]
    assert client.mail_stats()["distinct"] == 0
    page.keyboard.press("c")
    expect(page.locator("[data-floor=inbox] .token")).to_have_text(["1"])
    until(lambda: client.mail_stats()["distinct"] == 1, what="its mail, and no other")


@pytest.fixture
def play(chromium: Browser) -> Iterator:
    """Return a function that opens a recorded show offline. Fail on script errors and requests."""
    errors: list[str] = []
    context = chromium.new_context(locale="en", offline=True)

    def open_(path: Path) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda one: one.url.startswith("http") and errors.append(one.url))
        page.goto(path.as_uri())
        return page

    yield open_
    context.close()
    assert not errors


@pytest.mark.usefixtures("nothing_moves")
def test_a_film_plays_to_its_end_and_again(play, client: Client, holder, tmp_path: Path) -> None:
    frames: list[Frame] = []

    def take() -> str:
        text: str = holder.get("/stage").text
        frames.append((time.time(), picture_of(text), -1))
        return text

    holder.post("/stage/do/new-round")
    client.set_faults({"at": "data", "do": "wait", "seconds": 8})
    for _ in range(12):
        client.comment()
    client.wait_for(lambda now: now["running"] == 8)
    take()
    holder.post("/stage/do/kill-worker")
    until(lambda: 'class="box off' in take(), what="the dead worker")
    killed = frames[-1][0] + 0.001  # later than the frame, also if rounded to milliseconds
    client.set_faults()
    until(lambda: 'data-sum="delivered">12<' in take(), what="every mail")
    file = tmp_path / "run.html"
    file.write_text(film(take(), frames, [(killed, "kill")]), "utf-8")
    page = play(file)
    expect(page.locator("#marks .kill")).to_have_count(1)
    page.get_by_role("button", name="a kill").click()
    expect(page.locator(".box.off .token")).not_to_have_count(0)
    expect(page.locator("#play")).to_have_text("▶")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("❚❚")
    expect(page.locator("[data-sum=delivered]")).to_have_text("12", timeout=60_000)
    expect(page.locator("#play")).to_have_text("▶")
    page.locator("#play").click()
    expect(page.locator("[data-sum=delivered]")).not_to_have_text("12")


def test_pagedown_and_pageup_turn_the_pages_of_a_recorded_show(play, holder, tmp_path) -> None:
    page = holder.get("/stage", params={"show": "four-minutes"}).text
    with_words = [n for n, step in enumerate(steps("four-minutes", "en")) if step["words"]][:3]
    moments = [(n, step) for step in with_words for n in range(4)]
    frames = [(1000.0 + n, picture_of(page), step) for n, (_, step) in enumerate(moments)]
    file = tmp_path / "show.html"
    file.write_text(film(page, frames, []), "utf-8")
    shown = play(file)
    caption = shown.locator(".caption")
    scrub = shown.locator("#scrub")
    expect(scrub).to_be_visible()
    scrub.fill(scrub.get_attribute("min") or "")  # moving the slider stops the playback
    expect(caption).to_contain_text("Between the two is a job")
    for key, words in (("PageDown", "One comment"), ("PageDown", "Who will wait?"),
                       ("PageDown", "Who will wait?"), ("PageUp", "One comment")):  # fmt: skip
        shown.keyboard.press(key)
        expect(caption).to_contain_text(words)


@pytest.mark.nightly
@pytest.mark.timeout(500)
def test_the_four_minutes_in_a_file_say_at_their_end_what_became_of_both_systems(
    play, tmp_path: Path
) -> None:
    file = tmp_path / "show.html"
    file.write_text(record(), "utf-8")
    assert file.stat().st_size < 2e6
    page = play(file)
    expect(page.locator(".caption")).to_contain_text("Between the two is a job", timeout=60_000)
    page.locator("#scrub").fill(page.locator("#scrub").get_attribute("max") or "")
    expect(page.locator(".caption")).to_contain_text(
        "This project: 8 of 8 mails. Stock Celery: 4 of 8"
    )
    expect(page.locator(".lane").nth(1)).to_contain_text("8 of 8")
    words = page.locator(".lane").first
    until(lambda: re.search(r"back in (5\d|60) min", words.inner_text()), what="how late it is")
