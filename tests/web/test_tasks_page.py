"""The page of times and errors: a row a task, of the tries that ended in a range of time."""

from __future__ import annotations

import re

import httpx
from support import message

from demo_app.broker.events import Event
from demo_app.broker.message import compose
from demo_app.broker.view import JobView, view_of
from demo_app.stack.client import Client
from demo_app.web.tasks_page import times_of


def job(number: int, *timeline: tuple[str, float]) -> JobView:
    """A job that was put in at 100, and what happened to it at which second."""
    view = view_of(f"job-{number}", [compose(message(number, enqueued_at=100.0))])
    for name, at in timeline:
        view.follow(Event(name, at, "worker"))
    return view


def row(**told: float) -> dict[str, object]:
    return {"function": "tests.nothing", "failures": 0, "waited": 0.0, **told}


def test_times_are_those_of_the_tries_by_nearest_rank() -> None:
    jobs = [job(n, ("claimed", 110.0), ("done", 110.0 + n)) for n in range(1, 21)]
    assert times_of(jobs, since=0) == [row(runs=20, p50=10.0, p95=19.0, waited=10.0)]


def test_a_try_that_failed_counts_and_one_that_a_death_ended_does_not() -> None:
    tried = (("claimed", 101.0), ("retrying", 103.0), ("enqueued", 150.0))
    died = (("claimed", 151.0), ("rescued", 159.0), ("claimed", 160.0), ("done", 161.0))
    jobs = [job(1, *tried, *died)]
    assert times_of(jobs, since=0) == [row(runs=2, failures=1, p50=1.0, p95=2.0, waited=1.0)]
    assert times_of(jobs, since=160) == [row(runs=1, p50=1.0, p95=1.0)]


def test_the_page_has_a_row_a_task_and_sorts_by_each_column(
    client: Client, holder: httpx.Client
) -> None:
    client.comment()
    client.wait_for_mails(1)
    client.wait_for(lambda now: now["done"] == 1)
    page = holder.get("/jobs/tasks").text
    assert ">demo_app.tasks.notify_author</a>" in page
    for link in re.findall(r'<th scope="col"><a href="(\?sort=[^"]+)"', page):
        assert "notify_author" in holder.get(f"/jobs/tasks{link}").text
    assert holder.get("/jobs/tasks?sort=nothing").status_code == 422
