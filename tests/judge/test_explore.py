"""A learner's queue is explored: what it loses is found by the shortest way, and never by luck."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import redis
from judge.broken import CHALLENGES, solution
from support import most_thorough

from demo_app.judge.explore import Explored, explore
from demo_app.judge.frozen import FrozenRedis
from demo_app.judge.history import story
from demo_app.judge.picture import svg


def _steps(found: Explored) -> list[str]:
    return [f"{line.who}: {line.what}" for line in story(found.record)]


def queue_of(number: int) -> Any:
    """The queue that solves a challenge; 0: the one that the first begins with."""
    path = solution(number) if number else CHALLENGES / "start.py"
    return runpy.run_path(str(path))["MyQueue"]


class ForgetsLate(queue_of(5)):  # type: ignore[misc]
    """Is known before it is alive; reads what a silent one held, and deletes its list later."""

    def beat(self, worker: str) -> None:
        """In two steps: in between it looks dead."""
        self.redis.sadd("workers", worker)
        self.redis.set(f"alive:{worker}", 1, ex=3)

    def claim(self, worker: str) -> str | None:
        """Into the worker's list."""
        job: str | None = self.redis.lmove("queue", f"claims:{worker}", "RIGHT", "LEFT")
        return job

    def rescue(self, worker: str) -> None:
        """What came into the list in between goes with it."""
        for other in sorted(self.redis.smembers("workers")):
            if not self.redis.exists(f"alive:{other}"):
                for job in self.redis.lrange(f"claims:{other}", 0, -1):
                    self.redis.rpush("queue", job)
                self.redis.delete(f"claims:{other}")


@pytest.mark.thorough
def test_a_rescue_that_deletes_what_it_has_not_read_loses_a_job() -> None:
    found = explore(ForgetsLate, jobs=1)
    assert found.why.startswith("job-1 is lost, after the kill of w")
    assert "rescue: DEL claims:w" in _steps(found)[-2]
    assert _steps(found)[-1] == "server: job-1 is nowhere"


def test_a_popped_job_is_lost_with_its_worker_in_three_steps() -> None:
    found = explore(queue_of(4))
    assert found.why == "job-1 is lost, after the kill of w1. It takes 3 steps."
    assert _steps(found)[-2:] == ["w1: SIGKILL", "server: job-1 is nowhere"]
    assert "job-1 is nowhere" in svg(found.record, found.why)


def test_jobs_that_no_other_process_sees_are_lost_without_a_kill() -> None:
    assert explore(queue_of(0)).why.startswith("job-1 is lost, though nobody was killed.")


def test_two_who_look_at_once_begin_one_job_twice() -> None:
    found = explore(queue_of(3), kill=False)
    assert found.why.startswith("job-1 begins twice, though nobody was killed.")


@pytest.mark.parametrize("number", most_thorough([5, 10], 10))
def test_a_queue_that_gives_back_what_a_dead_worker_held_loses_nothing(number: int) -> None:
    found = explore(queue_of(number))
    assert (found.why, found.whole) == ("", True)


def test_an_expiry_is_as_in_redis_and_stands_still_with_the_clock(tmp_path: Path) -> None:
    with FrozenRedis(tmp_path) as server:
        ask = server.command
        ask("SET", "lease", "w1", "EX", 5)
        server.now += 2
        assert (ask("SET", "lease", "w2", "KEEPTTL"), ask("TTL", "lease")) == ("OK", 3)
        assert server.client.pttl("lease") == -1, "in the server itself it would go on"
        with pytest.raises(redis.ResponseError):
            ask("GETEX", "lease", "EX", "soon")
        assert server.client.pttl("lease") == -1
        ask("PEXPIRE", "lease", 1500)
        ask("PSETEX", "other", 1000, "x")
        assert ask("PERSIST", "other") == 1
        server.now += 1.5
        assert [ask("EXISTS", name) for name in ("lease", "other")] == [0, 1]
        ask("EXPIRE", "other", 9)
        ask("SET", "other", "y")
        assert ask("TTL", "other") == -1
        assert server.script("return redis.pcall('GET', 'lease')", []) is None
