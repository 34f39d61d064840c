"""A run as one file: it plays by itself, without a server, as a video does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support import until

from demo_app.stack.client import Client
from demo_app.stage.recorder import Frame, film, picture_of, record
from demo_app.stage.show import steps


@pytest.fixture
def play(chromium: Browser) -> Iterator:
    """Opens a file in a browser without a network. In the end: no error in its console."""
    wrong: list[str] = []
    context = chromium.new_context(locale="en", offline=True)

    def open_(path: Path) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith("http") and wrong.append(one.url))
        page.goto(path.as_uri())
        return page

    yield open_
    context.close()
    assert not wrong


@pytest.mark.thorough
def test_a_film_plays_to_its_end_and_again(play, client: Client, holder, tmp_path: Path) -> None:
    frames: list[Frame] = []

    def take() -> str:
        text: str = holder.get("/stage").text
        frames.append((time.time(), picture_of(text), -1))
        return text

    client.set_faults({"at": "data", "do": "wait", "seconds": 8})
    for _ in range(12):
        client.comment()
    client.wait_for(lambda now: now["running"] == 8)
    take()
    holder.post("/stage/do/kill-worker")
    until(lambda: 'class="box off' in take(), what="the dead worker")
    killed = frames[-1][0] + 0.001  # an address has the moment in milliseconds
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
    scrub.fill(scrub.get_attribute("min") or "")  # it plays no more
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
