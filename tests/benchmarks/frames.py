"""How smooth the stage is in Chromium: frames a second, and how long single frames take."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from statistics import median
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page
from support import browser_running

from benchmarks.table import Table
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.stage.sink import SLOW

SECONDS = 8
#: Presses of the key for a burst, of fifty comments each.
BURSTS = 4
RECORD = """(seconds) => new Promise((done) => {
  const times = [], end = performance.now() + 1000 * seconds;
  const frame = (now) => {
    times.push(now);
    now < end ? requestAnimationFrame(frame) : done(times);
  };
  requestAnimationFrame(frame);
})"""


def run() -> list[Table]:
    """One table: the stage at rest, and in a burst of 200 at a slow mail server."""
    with (
        Stack(workers=2, controls=True) as stack,
        Client(stack.ready) as client,
        browser_running() as browser,
    ):
        client.set_faults(SLOW)
        page = stage_of(stack.ready, browser)
        told = page.context.new_cdp_session(page)
        told.send("Performance.enable")
        rows = [_row("at rest", page, told)]
        for _ in range(BURSTS):
            page.keyboard.press("b")
        rows.append(_row("in a burst of 200", page, told))
    columns = [
        "the stage",
        "posted",
        "frames/s",
        "median ms",
        "slowest of 20, ms",
        "slowest ms",
        "layouts/s",
    ]
    note = (
        f"Chromium, 1280 × 720, drawn by the processor, for {SECONDS} seconds; targets: 60 and 30"
    )
    return [Table("The stage's frames", columns, rows, note)]


def stage_of(ready: Mapping[str, Any], browser: Browser) -> Page:
    """The stage of two workers. ready: what the stack said of itself."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en")
    context.add_cookies([{"name": "demo_token", "value": ready["token"], "url": ready["web"]}])
    page = context.new_page()
    page.goto(f"{ready['web']}/stage")
    page.locator(".box").nth(1).wait_for()
    return page


def _layouts(told: CDPSession) -> float:
    metrics = told.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "LayoutCount"))


def _row(name: str, page: Page, told: CDPSession) -> list[str]:
    before = _layouts(told)
    times = page.evaluate(RECORD, SECONDS)
    layouts = (_layouts(told) - before) / SECONDS
    taken = sorted(after - at for at, after in pairwise(times))
    slow = taken[int(0.95 * len(taken))]
    numbers = (len(taken) / SECONDS, median(taken), slow, taken[-1], layouts)
    posted = page.locator("[data-sum=posted]").inner_text()
    return [name, posted, *(f"{number:.1f}" for number in numbers)]
