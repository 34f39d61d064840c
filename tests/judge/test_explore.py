"""A learner's queue is explored: what it loses is found by the shortest way, and never by luck."""

from __future__ import annotations

from typing import Any

import pytest

from demo_app.judge.explore import explore


class Pops:
    """Takes a job off its list, and keeps it nowhere."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis

    def put(self, job: str) -> None:
        """To the tail."""
        self.redis.lpush("jobs", job)

    def claim(self, worker: str) -> str | None:
        """From the head."""
        found = self.redis.brpop("jobs", 1)
        return found[1] if found else None

    def ack(self, worker: str, job: str) -> None:
        """Nothing is kept."""


class Moves(Pops):
    """Moves it to a list of the worker's own, and gives back what a silent one held."""

    def claim(self, worker: str) -> str | None:
        """From the head, into the worker's list."""
        job: str | None = self.redis.lmove("jobs", f"held:{worker}", "RIGHT", "LEFT")
        return job

    def ack(self, worker: str, job: str) -> None:
        """It is held no longer."""
        self.redis.lrem(f"held:{worker}", 1, job)

    def beat(self, worker: str) -> None:
        """Alive for three seconds."""
        pipe = self.redis.pipeline()
        pipe.sadd("workers", worker)
        pipe.set(f"alive:{worker}", 1, ex=3)
        pipe.execute()

    def rescue(self, worker: str) -> None:
        """What the silent ones held goes to the head."""
        for other in sorted(self.redis.smembers("workers")):
            if not self.redis.exists(f"alive:{other}"):
                self.give_back(other)

    def give_back(self, other: str) -> None:
        """One after the other."""
        while self.redis.lmove(f"held:{other}", "jobs", "LEFT", "RIGHT"):
            pass


class AsksTwice(Moves):
    """Looks first, and takes then."""

    def claim(self, worker: str) -> str | None:
        """In two steps: another worker may look in between."""
        job: str | None = self.redis.lindex("jobs", -1)
        if job is not None:
            self.redis.lrem("jobs", -1, job)
            self.redis.lpush(f"held:{worker}", job)
        return job


class ForgetsLate(Moves):
    """Is known before it is alive; reads what a silent one held, and deletes its list later."""

    def beat(self, worker: str) -> None:
        """In two steps: in between it looks dead."""
        self.redis.sadd("workers", worker)
        self.redis.set(f"alive:{worker}", 1, ex=3)

    def give_back(self, other: str) -> None:
        """What came into the list in between goes with it."""
        for job in self.redis.lrange(f"held:{other}", 0, -1):
            self.redis.rpush("jobs", job)
        self.redis.delete(f"held:{other}")


@pytest.mark.thorough
def test_a_rescue_that_deletes_what_it_has_not_read_loses_a_job() -> None:
    found = explore(ForgetsLate, jobs=1)
    assert found.why.startswith("job-1 is lost, after the kill of w")
    assert "rescue: DEL held:w" in found.steps[-2]
    assert found.steps[-1] == "server: job-1 is nowhere"


def test_a_popped_job_is_lost_with_its_worker_in_three_steps() -> None:
    found = explore(Pops)
    assert found.why == "job-1 is lost, after the kill of w1. It takes 3 steps."
    assert found.steps[-2:] == ["w1: SIGKILL", "server: job-1 is nowhere"]
    assert "job-1 is nowhere" in found.svg()


def test_a_kill_between_two_commands_finds_a_job_nowhere() -> None:
    found = explore(AsksTwice, jobs=1)
    assert found.why == "job-1 is lost, after the kill of w1. It takes 5 steps."


def test_two_who_look_at_once_begin_one_job_twice() -> None:
    found = explore(AsksTwice, jobs=1, kill=False)
    assert found.why.startswith("job-1 begins twice, though nobody was killed.")


@pytest.mark.thorough
def test_a_queue_that_gives_back_what_a_dead_worker_held_loses_nothing() -> None:
    found = explore(Moves, jobs=1)
    assert (found.why, found.whole) == ("", True)
