"""Tests that the stage counts all lost jobs as lost, and no other jobs."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from stage.stage_page import StagePage, press
from support import or_none, until

from demo_app.rig.process import is_alive
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.web import processes

SLOW = {"at": "data", "do": "wait", "seconds": 30}
#: The supervisor's events, which the stack appends to the list.
EVENTS: list[dict[str, Any]] = []
#: Dead processes are restarted, and Redis stores nothing on disk.
STACK = {"on_event": EVENTS.append, "workers": 2, "persistence": False, "controls": True}


@pytest.fixture(autouse=True)
def _new_round(client: Client, holder: httpx.Client) -> Iterator[None]:
    client.set_faults()
    press(holder, "new-round")
    yield
    client.set_faults()


def sums(holder: httpx.Client) -> dict[str, int]:
    output = {"discarded": 0, "held": 0, **StagePage(holder).sums}
    parts = ("waiting", "running", "held", "delivered", "lost", "discarded")
    assert output["posted"] == sum(output[part] for part in parts)
    return output


def settled(holder: httpx.Client, **expected: int) -> dict[str, int]:
    def fits() -> dict[str, int] | None:
        now = or_none(lambda: sums(holder)) or {}  # the web app may be restarting
        return now if all(now.get(name) == value for name, value in expected.items()) else None

    return until(fits, what=f"the stage showing {expected}") or {}


@pytest.mark.parametrize("blow", ["kill-redis", "wipe-redis"])
def test_a_redis_that_kept_nothing_loses_no_comment_on_the_way_and_none_shows_as_lost(
    client, holder, blow
) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": 2})
    press(holder, "burst")
    until(lambda: client.summary()["running"] == 8, what="eight jobs at work")
    until(lambda: holder.get("/healthz").json()["outbox"] == 0, what="all jobs with the queue")
    client.redis().set("mark", 1)
    press(holder, blow)
    gone = "the end of all that Redis had"
    until(lambda: or_none(lambda: client.redis().exists("mark")) == 0, what=gone)
    client.set_faults()
    lost = []
    until(
        lambda: (now := sums(holder), lost.append(now["lost"])) and now["delivered"] == 50,
        seconds=60,
        what="every mail",
    )
    assert max(lost) == 0


def test_inline_keeps_the_reader_waiting_and_loses_nothing(client, holder) -> None:
    press(holder, "inline")
    client.set_faults({"at": "data", "do": "wait", "seconds": 4})
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        posting = pool.submit(press, holder, "comment")
        until(lambda: len(StagePage(holder).floor("readers")) == 1, what="a reader who waits")
        posting.result()
    assert time.monotonic() - began >= 4
    assert sums(holder)["delivered"] == 1
    press(holder, "celery")


def test_the_mail_servers_moods_are_switched_on_and_off(client, holder) -> None:
    moods = []
    names = {"slow-mail": "slow", "no-mail": "down"}
    press(holder, "memory")
    for act in ("slow-mail", "slow-mail", "no-mail", "start-again"):
        press(holder, act)
        page = StagePage(holder)
        moods.append([mood for button, mood in names.items() if page.pressed(button)])
    assert moods == [["slow"], [], ["down"], []]
    assert page.pressed("celery"), "all is as it was configured again"


def test_a_mail_server_that_is_down_takes_nothing_over_connections_that_were_kept(
    client, holder
) -> None:
    press(holder, "burst")
    settled(holder, delivered=50)
    press(holder, "no-mail")
    job = client.comment()["job_id"]
    client.wait_for(lambda now: now["retrying"] == 1)
    until(lambda: client.job(job)["state"] == "retrying", what="its retry")


def test_a_round_can_be_begun_while_others_look(client, holder) -> None:
    press(holder, "comment")
    settled(holder, delivered=1)

    def looks() -> list[int]:
        return [StagePage(holder).sums["posted"] for _ in range(20)]

    with ThreadPoolExecutor() as pool:
        seen = [pool.submit(looks) for _ in range(3)]
        for _ in range(40):
            press(holder, "new-round")
        assert {posted for one in seen for posted in one.result()} <= {0, 1}


def test_the_button_start_again_starts_processes_that_stay_dead(
    stack: Stack, client: Client, holder: httpx.Client
) -> None:
    before = set(stack.ready["pids"]["worker"])
    press(holder, "hold-queue")
    for role in ("redis", "smtp", "worker"):
        stack.kill(role, restart=False)
    assert "Redis is dead" in holder.get("/stage?at=1e10").text, "an error would end the page"
    client.comment()
    press(holder, "start-again")
    settled(holder, posted=1, delivered=1)
    client.wait_for(lambda now: sum(worker["alive"] for worker in now["workers"]) == 2)
    for pid in stack.ready["pids"]["worker"]:
        assert pid not in before
        started = {"event": "started", "role": "worker", "pid": pid}
        until(lambda started=started: started in EVENTS, what="its event")


def test_the_way_to_the_supervisor_is_open_to_its_own_user_alone(stack: Stack) -> None:
    mode = stack.plan.folder.control.stat().st_mode
    assert stat.S_ISFIFO(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_only_processes_of_this_stack_can_be_killed(stack: Stack) -> None:
    sleeper = subprocess.Popen(["sleep", "60"], env={**os.environ, "celery": "worker"})
    try:
        assert is_alive(sleeper.pid)
        assert not processes.is_our_worker(sleeper.pid)
        assert not processes.send(sleeper.pid, signal.SIGKILL)
        worker = stack.ready["pids"]["worker"][0]
        assert not processes.is_our_worker(worker), "this test is not of that stack"
        assert not processes.with_role("redis"), "nor is its Redis"
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not is_alive(sleeper.pid)
    assert not is_alive(1)
    assert not is_alive(-1)


def test_a_clean_start_discards_the_jobs_in_memory(holder, client: Client) -> None:
    press(holder, "memory")
    client.set_faults({**SLOW, "seconds": 2})
    press(holder, "burst")
    settled(holder, running=4)
    press(holder, "clean")
    # any mail that was in flight before the clean start arrives before this comment's mail
    client.set_faults({**SLOW, "seconds": 3})
    press(holder, "comment")
    settled(holder, posted=1, delivered=1)
    assert client.mail_stats()["accepted"] == 1


def test_redis_stays_dead_for_long_enough_to_comment_meanwhile(holder, client: Client) -> None:
    before = client.redis().info()["process_id"]
    press(holder, "kill-redis")
    page = StagePage(holder)  # one request: Redis is restarted after 5 s
    assert page.sums["posted"] == 0
    assert "Redis is dead" in page.in_words
    press(holder, "comment")
    settled(holder, posted=1, delivered=1)
    assert client.redis().info()["process_id"] != before


def test_a_queue_that_is_held_says_that_it_is_paused(holder) -> None:
    press(holder, "hold-queue")
    assert "❚❚ paused" in StagePage(holder).text
    press(holder, "let-queue")
    assert "❚❚ paused" not in StagePage(holder).text


def test_a_show_that_does_not_exist_and_acts_without_a_twin_are_refused(client: Client) -> None:
    answer = client.web.get("/stage?show=an-hour", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert "Choose one of: four-minutes" in answer.text
    answer = client.web.post("/stage/do/twin")
    assert answer.status_code == 409
    assert "--twin" in answer.json()["detail"]
    assert "stock Celery" not in client.web.get("/stage?show=four-minutes").text
