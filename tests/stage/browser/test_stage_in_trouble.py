"""Tests of the stage's layout, and of the dashboard, while many things fail together."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect
from stage.stage_page import show_caption_of
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client

pytestmark = pytest.mark.thorough
#: Three workers. A killed worker and its jobs stay visible until after the tests.
STACK = {
    "workers": 3,
    "controls": True,
    "restart": False,
    "lease": 600,
    "environment": {"DEMO_SMTP_SECONDS": "600"},
}


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    """Return a client of a stack with 8 dead, 1 discarded, 12 running and 40 queued jobs.

    The worker of 4 running jobs is killed and not replaced.
    """
    with Client(stack.ready) as client:
        client.set_faults({"at": "rcpt", "do": "answer", "code": 550, "text": "no such user"})
        jobs = [client.comment()["job_id"] for _ in range(9)]
        client.wait_for(lambda now: now["dead"] == 9)
        client.decide(jobs[0], "discard")
        client.set_faults({"at": "data", "do": "wait", "seconds": 600})
        for _ in range(52):
            client.comment()
        client.wait_for(lambda now: now["running"] == 12 and now["queued"] == 40)
        stack.kill("worker", pid=stack.ready["pids"]["worker"][0], restart=False)
        yield client


@pytest.fixture(scope="module")
def both() -> Iterator[Stack]:
    """Return a stack with this project and stock Celery. Each had 8 jobs and one worker, which was
    killed and replaced. 4 mails of each are sent; the other jobs are not rescued yet."""
    with Stack(twin=True, lease=600, controls=True) as stack, Client(stack.ready) as client:
        client.web.post("/stage/do/twin", timeout=60)
        client.wait_for(lambda now: now["done"] == 4)
        client.wait_for_mails(8)
        yield stack


@pytest.fixture(autouse=True)
def _without_faults() -> None:
    """Override the shared fixture, which would remove the faults."""


#: Finds elements that extend beyond their box, their room or the bottom of the window by more than
#: 1 pixel.
_SPILT = """() => {
  const out = (one, place) => {
    const [box, room] = [one.getBoundingClientRect(), place.getBoundingClientRect()];
    const beside = box.right > room.right + 1 || box.left < room.left - 1;
    const words = one.scrollWidth > one.clientWidth + 1 && one.matches("h3");
    return box.height && (beside || words || box.bottom > room.bottom + 1);
  };
  const inside = ".token:not(.beyond), .says, .label, .box p > *, .box, .room h2, h3, .letters";
  const spilt = [...document.querySelectorAll(`.room :is(${inside})`)].filter((one) =>
    one.checkVisibility({visibilityProperty: true})
    && out(one, one.parentElement.closest(".box, .room")));
  const low = [...document.querySelectorAll("main *")].filter((one) =>
    one.checkVisibility({visibilityProperty: true})
    && one.getBoundingClientRect().bottom > innerHeight + 1);
  return [...spilt, ...low].map((one) => one.outerHTML.slice(0, 80));
}"""
_SIZES = [(1920, 1080), (1280, 720), (1024, 768)]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("size", _SIZES)
def test_nothing_covers_another_and_no_key_is_cut(tab, client, size, language: str) -> None:
    page = _stage(tab, "/stage", size, language)
    assert page.evaluate(_SPILT) == []
    expect(page.locator(".box.off .token")).to_have_count(4)


def test_the_dashboard_marks_a_killed_worker_and_its_jobs_before_the_lease_ends(
    tab, client
) -> None:
    expect(tab("/jobs").locator("tr.orphan").first).to_contain_text("dead")
    expect(tab("/jobs/running").locator("tr.orphan")).to_have_count(4)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("size", [*_SIZES[1:], (800, 600)])
def test_a_show_fills_the_window_and_has_a_seat_for_each_job_of_a_dead_worker(
    tab, client, size, language: str
) -> None:
    page = _stage(tab, "/stage?show=four-minutes", size, language)
    if size in _SIZES:
        assert page.evaluate("document.documentElement.scrollHeight") <= size[1]
    show_caption_of(page, "LRANGE", language)
    for token in page.locator(".box.off .token").all():
        expect(token).to_be_in_viewport(ratio=1)
    assert page.locator(".box.off [data-more]").count() == 0


@pytest.mark.parametrize("language", ["en", "ja"])
def test_two_systems_have_room_on_the_board_and_in_two_lanes(tab, both, language: str) -> None:
    page = _stage_of_both(tab, both, language)
    for width, height in _SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        expect(page.locator(".box.off .token")).to_have_count(4)
        for key in "t123":
            expect(page.locator(f"[data-key='{key}']")).to_be_visible()
        assert page.evaluate(_SPILT) == [], width
        page.evaluate("document.body.classList.add('split')")
        expect(page.locator(".lane").first).to_be_visible()
        assert page.evaluate(_SPILT) == [], width


def test_a_key_compares_two_systems_in_lanes_and_leads_back_to_the_board(tab, both: Stack) -> None:
    page = _stage_of_both(tab, both, "en")
    requests = []
    page.route("**/stage/do/twin", lambda route: (requests.append(1), route.fulfill(status=204)))
    expect(page.locator("#board")).to_be_visible()
    expect(page.locator("#lanes")).to_be_hidden()
    page.keyboard.press("t")
    expect(page.locator("#lanes")).to_be_visible()
    expect(page.locator("#board")).to_be_hidden()
    until(lambda: requests, what="the comparison")
    page.keyboard.press("t")
    expect(page.locator("#board")).to_be_visible()
    expect(page.locator("#lanes")).to_be_hidden()
    assert len(requests) == 1


def _stage_of_both(tab, both: Stack, language: str) -> Page:
    page: Page = tab("/", locale=language)
    token, web = both.ready["token"], both.ready["web"]
    page.context.add_cookies([{"name": "demo_token", "value": token, "url": web}])
    page.goto(f"{web}/stage")
    return page


def _stage(tab, path: str, size: tuple[int, int], language: str) -> Page:
    width, height = size
    page: Page = tab(path, viewport={"width": width, "height": height}, locale=language)
    expect(page.locator(".room.workers .token")).to_have_count(12)
    return page


def test_each_error_is_shown_in_full_and_only_comments_show_a_waiting_reader(tab, client) -> None:
    page = tab("/stage")
    page.clock.install()
    unanswered: list[Route] = []
    page.route("**/stage/do/*", lambda route: unanswered.append(route))
    page.keyboard.press("n")
    shows_error = "words => import('/static/stage.js').then((stage) => stage.oops(words))"
    page.evaluate(shows_error, "first")
    page.clock.run_for(3000)
    expect(page.locator("#wait")).to_have_text("")
    page.keyboard.press("c")
    page.evaluate(shows_error, "second")
    page.clock.run_for(3000)
    expect(page.locator("#oops")).to_be_visible()
    expect(page.locator("#wait")).to_contain_text("a reader waits")
    page.clock.run_for(3000)
    expect(page.locator("#oops")).to_be_hidden()
    for route in unanswered:  # a tab that closes may let them reach the server: a new round
        route.fulfill(status=204)
