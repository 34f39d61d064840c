"""What the stage shows is what Redis holds, at the same moment, whatever happens to the system."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from stage.browser.rounds import new_round
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client

pytestmark = pytest.mark.thorough

#: One look at the API, at the page as the server draws it then, and at the API again. Only when
#: both looks at the API agree did nothing move meanwhile.
LOOK = """async () => {
  const { refresh } = await import("./static/live.js");
  const json = async (address) => (await fetch(address)).json();
  const jobs = async (state) => (await json(`api/jobs?state=${state}&limit=200`)).jobs;
  const api = async () => {
    const running = {};
    for (const job of await jobs("running")) (running[job.owner] ??= []).push(job.id);
    for (const held of Object.values(running)) held.sort();
    const { workers, ...count } = await json("api/jobs/summary");
    const alive = Object.fromEntries(workers.map((worker) => [worker.id, worker.alive]));
    const waiting = count.queued + count.scheduled + count.retrying + count.dead;
    const queued = (await jobs("queued")).map((job) => job.id);
    return { queued, running, alive, sums: [waiting, count.running, count.done] };
  };
  const drawn = () => new Promise((done) => {
    document.addEventListener("fresh", done, { once: true });
    refresh();
  });
  const tokens = (floor) => [...floor.querySelectorAll(".token")].map((token) => token.id.slice(6));
  const before = await api();
  await drawn();  // one that was asked for before, perhaps
  await drawn();
  const floor = (name) => document.querySelector(`[data-floor="${name}"]`);
  const boxes = [...document.querySelectorAll(".box")].map((box) => [box.id.slice(4), box]);
  const sum = (name) => Number(document.querySelector(`[data-sum=${name}]`).textContent);
  const held = boxes.map(([id, box]) => [id, tokens(box).sort()]);
  const page = {
    queued: tokens(floor("queue")),
    running: Object.fromEntries(held.filter(([, jobs]) => jobs.length)),
    alive: Object.fromEntries(boxes.map(([id, box]) => [id, !box.classList.contains("off")])),
    sums: ["waiting", "running", "delivered"].map(sum),
  };
  const lost = sum("lost");
  return { before, page, after: await api(), lost };
}"""
#: Moments that are compared in each situation.
MOMENTS = 3


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Two workers, with patience for a mail server that takes half a minute."""
    with Stack(workers=2, controls=True, environment={"DEMO_SMTP_SECONDS": "60"}) as stack:
        yield stack


@pytest.fixture
def stage(tab, client: Client, at_rest: None) -> Page:
    """The stage, with nothing of an earlier test in its sums or in Redis' counters."""
    done = client.summary()["done"]
    page = tab("/stage", expected="503")
    new_round(page)
    expect(page.locator("[data-sum=posted]")).to_have_text("0")
    page.evaluate(f"globalThis.doneBefore = {done}")
    return page


def look(page: Page) -> dict[str, Any] | None:
    """A moment at which nothing moved, or None; done jobs count from this round on."""
    seen: dict[str, Any] = page.evaluate(LOOK)
    if seen["before"] != seen["after"]:
        return None
    seen["after"]["sums"][2] -= page.evaluate("doneBefore")
    return seen


def same(page: Page, moments: int = MOMENTS) -> list[dict[str, Any]]:
    """So many moments, at each of which the page and the API say the same."""
    seen = [until(lambda: look(page), what="a moment of rest") or {} for _ in range(moments)]
    for one in seen:
        assert one["page"] == one["after"]
        assert one["lost"] == 0
    return seen


def slow(client: Client, seconds: float) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": seconds})


def test_during_a_burst(stage: Page, client: Client) -> None:
    slow(client, 6)  # for as long as it takes to compare
    stage.keyboard.press("b")
    client.wait_for(lambda now: now["running"] == 8)
    assert same(stage)[0]["page"]["queued"]
    client.set_faults()
    expect(stage.locator("[data-sum=delivered]")).to_have_text("50")
    same(stage, 1)


def test_while_a_killed_workers_jobs_are_held_and_when_they_are_rescued(
    stage: Page, client: Client, stack: Stack
) -> None:
    slow(client, 30)
    stage.keyboard.press("b")
    client.wait_for(lambda now: now["running"] == 8)
    other = stack.ready["pids"]["worker"][1]
    stack.kill("worker", signal.SIGSTOP, pid=other)  # nobody rescues before it is compared
    try:
        stack.kill("worker", pid=stack.ready["pids"]["worker"][0], restart=False)
        held = same(stage, 1)[0]["page"]
    finally:
        stack.kill("worker", signal.SIGCONT, pid=other)
    assert sorted(map(len, held["running"].values())) == [4, 4]
    assert not all(held["alive"].values())
    dead = next(worker for worker, alive in held["alive"].items() if not alive)
    client.wait_for(lambda now: dead not in {worker["id"] for worker in now["workers"]})
    rescued = same(stage)[-1]["page"]["queued"]
    # at the head, the oldest first
    assert sorted(rescued[:4]) == held["running"][dead]
    stack.start("worker")


def test_while_redis_is_away_and_when_it_is_back(stage: Page, client: Client, stack: Stack) -> None:
    slow(client, 30)
    stage.keyboard.press("b")
    client.wait_for(lambda now: now["running"] == 8)
    before = same(stage, 1)[0]["page"]["queued"]
    stack.kill("redis", restart=False)
    expect(stage.locator(".room.redis.off")).to_be_visible()
    stack.start("redis")
    expect(stage.locator(".room.redis.off")).to_have_count(0)
    # what its log had not on disk yet comes again from the outbox
    client.wait_for(lambda now: now["queued"] + now["running"] == 50)
    after = same(stage)[-1]["page"]
    # what it had lost is at the end now, or runs
    running = {job for held in after["running"].values() for job in held}
    assert set(before) <= running | set(after["queued"])
