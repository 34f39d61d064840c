"""Tests that the pages of other backends report what they cannot show."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from stage.stage_page import StagePage, press
from support import gone, most_thorough, until

from demo_app.stack import Stack
from demo_app.stack.client import Client


@pytest.fixture(scope="module", params=most_thorough(["rq", "huey"], "rq"))
def stack(request: Any) -> Iterator[Stack]:
    with Stack(backend=request.param, controls=True) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _without_faults(client: Client) -> Iterator[None]:
    client.set_faults()
    yield
    client.set_faults()


def under_way(now: dict[str, int]) -> int:
    return now["waiting"] + now["running"]


def test_a_comments_mail_arrives_and_its_reader_sees_it(client: Client, holder) -> None:
    before = client.mail_stats()["distinct"]
    job = client.comment(2)["job_id"]
    client.wait_for_mails(before + 1)
    page = f"/posts/2?posted={job}"
    until(lambda: "has the mail" in holder.get(page).text, what="the news")
    assert f"jobs/job/{job}" not in holder.get(page).text


def wait_for_earlier_jobs(holder: httpx.Client) -> None:
    until(lambda: under_way(StagePage(holder).sums) == 0, what="the end of earlier jobs")


def test_a_waiting_or_running_job_is_not_called_lost(client: Client, holder: httpx.Client) -> None:
    wait_for_earlier_jobs(holder)
    client.set_faults({"at": "data", "do": "wait", "seconds": 4})
    before = StagePage(holder).sums["posted"]
    for _ in range(3):
        client.comment()
    until(lambda: client.summary()["running"], what="work")
    began = time.time()
    seen = []
    until(lambda: seen.append(StagePage(holder).sums) or time.time() - began > 1.5)
    assert {one["lost"] for one in seen} == {0}
    assert any(under_way(one) == 3 for one in seen), seen[::20]
    client.set_faults()
    until(lambda: StagePage(holder).sums["delivered"] == before + 3, what="the mails")


def test_a_page_comes_while_a_sink_or_a_redis_hangs(stack, client, holder) -> None:
    job = client.comment(2)["job_id"]
    for role in filter(stack.ready["pids"].get, ("smtp", "redis")):  # huey has no Redis
        stack.kill(role, signal.SIGSTOP)
        try:
            for page in (f"/posts/2?posted={job}", "/posts/2", "/"):
                assert holder.get(page).status_code == 200
        finally:
            stack.kill(role, signal.SIGCONT)


def test_the_key_kills_a_worker_with_all_that_it_started(
    stack: Stack, client: Client, holder: httpx.Client
) -> None:
    wait_for_earlier_jobs(holder)  # RQ would give back a killed worker's job only after minutes
    before = stack.ready["pids"]["worker"]
    started = psutil.Process(before[0]).children(recursive=True)
    press(client.web, "kill-worker")
    until(lambda: gone(*before, *(child.pid for child in started)), what="the worker's end")


def test_the_metrics_report_a_redis_that_has_the_jobs(stack: Stack, holder: httpx.Client) -> None:
    up = "demo_redis_up 1" in holder.get("/metrics").text
    assert up is (stack.options.backend == "rq")


def test_the_dashboard_says_what_it_can_not_see(stack: Stack, holder: httpx.Client) -> None:
    name = stack.options.backend
    page = holder.get("/jobs").text
    assert f"Workers of the backend {name}, if it has any, can&#39;t be seen from here." in page
    assert "can&#39;t check whether one is missing" in page
    assert page.count(f"The backend {name} can&#39;t list its jobs.") == 2
    assert "It adds up" not in page
    answer = holder.get("/jobs/queued")
    assert answer.status_code == 409
    assert "can&#39;t list its jobs" in answer.text
