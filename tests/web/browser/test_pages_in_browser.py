"""Tests of the pages in a real browser: live updates, keyboard, phones and accessibility."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from playwright.sync_api import expect
from support import axe_violations, most_thorough, or_none, until

from demo_app.broker.queue import Queue
from demo_app.stack import Stack
from demo_app.stack.client import Client

REFUSE = {"at": "rcpt", "do": "answer", "code": 550, "text": "no such user"}


@pytest.fixture
def dead(client: Client) -> str:
    client.set_faults(REFUSE)
    job = client.comment()["job_id"]
    client.wait_for(lambda _: job in {other["id"] for other in client.jobs("dead")["jobs"]})
    client.set_faults()
    return job


def row(page, job: str):
    return page.locator(f'[id="job-{job}"]')


def test_a_dead_job_is_discarded_only_after_the_question(tab, client: Client, dead: str) -> None:
    page = tab("/jobs/dead")
    row(page, dead).get_by_role("checkbox").check()
    page.get_by_role("button", name="Discard chosen").click()
    page.get_by_role("link", name="No, go back").click()
    assert client.job(dead)["state"] == "dead"
    row(page, dead).get_by_role("checkbox").check()
    page.get_by_role("button", name="Discard chosen").click()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status").filter(has_text="1 job was discarded")).to_be_visible()
    expect(row(page, dead)).to_have_count(0)
    assert client.job(dead)["state"] == "discarded"


def test_the_jobs_of_a_paused_queue_are_chosen_and_discarded(tab, client: Client) -> None:
    client.comment()  # a page lists a queue only after its first job
    until(client.at_rest, what="the end of this job, and of earlier ones that are to be retried")
    queue = Queue(client.redis())
    queue.pause_queue("mail", True)
    try:
        page = tab("/jobs")
        expect(page.locator("#queue-mail")).to_contain_text("paused")
        for _ in range(3):
            client.comment()
        client.wait_for(lambda now: now["queued"] == 3)
        page.goto(page.url.partition("?")[0] + "/queued?q=task:notify_author")
        page.get_by_label("choose all rows").check()
        page.locator("td.pick input").last.uncheck()
        page.get_by_role("button", name="Discard chosen").click()
        page.get_by_role("button", name="Discard").click()
        expect(page.locator("#queued-rows tr")).to_have_count(1)
    finally:
        queue.pause_queue("mail", False)
    until(client.at_rest, what="the end of every job")


def test_a_choice_survives_while_the_page_moves(tab, client: Client, dead: str) -> None:
    page = tab("/jobs/dead")
    row(page, dead).get_by_role("checkbox").check()
    client.set_faults(REFUSE)
    newer = client.comment()["job_id"]
    expect(row(page, newer)).to_be_visible()
    expect(row(page, dead).get_by_role("checkbox")).to_be_checked()
    expect(row(page, newer).get_by_role("checkbox")).not_to_be_checked()


def test_a_paused_page_stands_still_and_goes_on(tab, client: Client) -> None:
    page = tab("/jobs")
    done = page.locator("#state-done b")
    until(client.at_rest, what="the end of every job")
    before = client.summary()["done"]
    expect(done).to_have_text(str(before))
    page.locator("#live").click()
    expect(page.locator("#live")).to_have_text("paused")
    client.comment()
    client.wait_for(lambda now: now["done"] == before + 1)
    expect(done).to_have_text(str(before))
    page.locator("#live").click()
    expect(done).to_have_text(str(before + 1))


def test_the_page_comes_back_by_itself_when_redis_does(tab, stack: Stack) -> None:
    page = tab("/jobs", expected="503")
    expect(page.locator("#ledger")).to_be_visible()
    stack.kill("redis", restart=False)
    expect(page.get_by_role("alert")).to_contain_text("Comments are still accepted")
    stack.start("redis")
    expect(page.locator("#ledger")).to_be_visible()


def test_a_page_listens_again_after_a_proxy_has_answered_for_the_web_app(tab) -> None:
    page = tab("/jobs", expected="502 (Bad Gateway)")
    page.route("**/api/events", lambda route: route.fulfill(status=502), times=1)
    page.reload()
    with page.expect_response(lambda answer: "/api/events" in answer.url and answer.ok):
        pass


def test_a_page_does_not_call_itself_live_while_redis_hangs(tab, client: Client) -> None:
    page = tab("/jobs", expected="503")
    expect(page.locator("#live")).to_have_text("live")
    server = int(client.redis().info()["process_id"])
    os.kill(server, signal.SIGSTOP)
    try:
        expect(page.locator("#live")).to_have_text("no connection")
    finally:
        os.kill(server, signal.SIGCONT)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#ledger")).to_be_visible()


#: Finds fields whose hint is cut off, and values in a column that is too narrow.
_UNREADABLE = """() => {
  const width = (one) => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = getComputedStyle(one).font;
    return pen.measureText(one.placeholder).width;
  };
  const room = (one) => one.clientWidth - 2 * parseFloat(getComputedStyle(one).paddingLeft);
  const all = (kind) => [...document.querySelectorAll(kind)];
  const cut = all("[placeholder]").filter((one) => width(one) > room(one));
  const thin = all("main dd").filter((one) => one.clientWidth < 100);
  return [...cut, ...thin].map((one) => one.outerHTML.slice(0, 80));
}"""


@pytest.mark.thorough
def test_all_is_readable_on_a_phone_and_nothing_wider(tab, stack: Stack, dead: str) -> None:
    page = tab("/", viewport={"width": 390, "height": 844})
    for path in ("/", "/posts/1", "/jobs", "/jobs/dead", f"/jobs/job/{dead}", "/stage"):
        page.goto(stack.ready["web"] + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate(_UNREADABLE) == [], path


#: The pages that axe checks, once light and in English, and once dark and in Japanese.
PAGES = (
    *("/", "/posts/1", "/posts/1?posted={job}", "/nothing-here"),
    *("/jobs", "/jobs/queued", "/jobs/retrying", "/jobs/dead", "/jobs/done"),
    *("/jobs/job/{job}", "/jobs/job/{dead}", "/jobs/job/{discarded}"),
    "/jobs/confirm?what=discard&state=dead&job={dead}",
    *("/stage", "/stage?at=0", "/stage?show=four-minutes", "/stage/notes"),
)
LOOKS = (("light", "en"), ("dark", "ja"))


def _state(client: Client, job: str) -> str:
    return (or_none(lambda: client.job(job)) or {"state": ""})["state"]


def _is_discarded(client: Client, job: str) -> bool:
    with suppress(httpx.HTTPStatusError):  # a running job can't be discarded
        client.decide(job, "discard")
    return _state(client, job) == "discarded"


@pytest.fixture
def jobs(client: Client, nothing_moves: None) -> Iterator[dict[str, str]]:
    """Return the ids of a delivered, a dead, a discarded and a retrying job.

    After the test, discard the retrying job: other tests expect that no job waits for a retry.
    """
    client.set_faults(
        {"at": "rcpt", "do": "answer", "code": 550, "text": "no", "match": {"to": "bjoern*"}},
        {"at": "rcpt", "do": "answer", "code": 451, "text": "later", "match": {"to": "chidi*"}},
    )
    ids = {"job": client.comment(1)["job_id"], "dead": client.comment(2)["job_id"]}
    ids["discarded"] = client.comment(2)["job_id"]
    ids["retrying"] = client.comment(3)["job_id"]
    states = {"job": "done", "retrying": "retrying"}
    for name, job in ids.items():
        state = states.get(name, "dead")
        until(lambda job=job, state=state: _state(client, job) == state, what=f"a {state} job")
    client.decide(ids["discarded"], "discard")
    yield ids
    until(lambda: _is_discarded(client, ids["retrying"]), what="the end of its tries")


@pytest.mark.parametrize(("scheme", "language"), most_thorough(LOOKS, ("dark", "ja")))
def test_axe_finds_no_violation(tab, jobs: dict[str, str], scheme: str, language: str) -> None:
    found = {}
    page = tab("/", expected="404", color_scheme=scheme, locale=language)
    base = page.url
    for path in PAGES:
        page.goto(base + path.format(**jobs)[1:])
        if violations := axe_violations(page):
            found[path] = violations
    assert not found
