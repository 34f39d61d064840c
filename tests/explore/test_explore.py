"""Tests that the bounded worlds keep all promises, and that mistakes in the code are found."""

import logging
import re
from collections.abc import Iterator

import pytest
import redis
from support import most_thorough

from explore.frozen import FrozenRedis
from explore.mutants import Mutant, of_scripts, of_steps
from explore.outside import REASONS
from explore.plan import Plan
from explore.search import Breadth, server
from explore.verdicts import Normal, judge
from explore.way import as_line, from_line, replay
from explore.worker import Setup
from explore.worlds import WORLDS


@pytest.fixture(scope="module")
def on() -> Iterator[FrozenRedis]:
    """Start a server without log lines: most of them report planned faults."""
    logging.disable(logging.CRITICAL)
    with server() as found:
        yield found
    logging.disable(logging.NOTSET)


def _named(name: str) -> Plan:
    return next(plan for plan in WORLDS if plan.name == name)


def _left_out(line: str) -> Mutant:
    return next(one for one in of_scripts() if one.before.strip() == line and not one.after)


#: The small worlds. `make explore` (part of `make test-nightly`) explores the large ones too.
_QUICK = [plan for plan in WORLDS if not plan.large]


@pytest.mark.parametrize(
    "plan", most_thorough(_QUICK, _named("two jobs")), ids=lambda plan: plan.name
)
def test_every_promise_holds_in_every_state(plan: Plan, on: FrozenRedis) -> None:
    found = Breadth(plan, on).run()
    assert not found.broken, f"{found}: {as_line(found.steps)}"
    assert found.complete


def test_a_mistake_is_found_by_its_shortest_way_which_can_be_taken_again(on: FrozenRedis) -> None:
    with _left_out("redis.call('LPUSH', claims_key(list, worker), id)").made():
        found = Breadth(_named("two jobs"), on).run()
        assert found.broken.startswith("one-place")
        assert found.steps == [("put",), ("claim", "w1")]
        again, _ = replay(_named("two jobs"), on, from_line(as_line(found.steps)))
    assert again == found.broken
    assert replay(_named("two jobs"), on, found.steps)[0] == ""


def test_a_way_on_which_a_command_is_lost_can_be_taken_again(on: FrozenRedis) -> None:
    steps = from_line("put unanswered 0; claim w1; put")
    assert replay(_named("an answer lost"), on, steps) == ("", steps)
    with _left_out("redis.call('RPOP', job_key(id), 2)").made():
        assert replay(_named("an answer lost"), on, steps)[0].startswith("history")


def test_a_job_whose_command_is_run_later_has_not_failed(on: FrozenRedis) -> None:
    assert not Breadth(_named("a retry"), on).run(limit=300).broken


@pytest.mark.thorough
def test_nine_thousand_jobs_that_are_claimed_at_once_are_all_there(on: FrozenRedis) -> None:
    """The heartbeat after the claim renews the claims of all these jobs, and must succeed too."""
    plan = Plan("many", ("plain",) * 9_000, (Setup(places=9_000),), 1, batch=9_000)
    steps = from_line("put; claim w1; pass; round w1")
    assert replay(plan, on, steps) == ("", steps)


def test_each_pattern_of_a_reason_matches_a_mistake() -> None:
    """A pattern without a match explains nothing since the line that it described has changed."""
    mistakes = [f"{one.of}: {one.what}" for one in (*of_scripts(), *of_steps())]
    patterns = [place for places in REASONS.values() for place in places]
    assert [one for one in patterns if not any(re.search(one, line) for line in mistakes)] == []


def test_a_mistake_in_a_step_of_python_is_found_as_well(on: FrozenRedis) -> None:
    mistakes = of_steps(["demo_app.broker.lease"])
    mistake = next(one for one in mistakes if one.before.strip() == "if worker != self.worker:")
    assert judge(mistake, [lambda: Normal(_named("two jobs"), on)]).steps


def test_an_expiry_is_as_in_redis_and_stands_still_with_the_clock() -> None:
    """Time in the explored server passes only if the exploration sets it."""
    with FrozenRedis() as frozen:
        frozen.reads_all = False
        run = frozen.command
        run("SET", "lease", "w1", "EX", 5)
        frozen.now += 2
        assert (run("SET", "lease", "w2", "KEEPTTL"), run("TTL", "lease")) == ("OK", 3)
        assert frozen.client.pttl("lease") == -1, "in the server itself it would go on"
        with pytest.raises(redis.ResponseError):
            run("GETEX", "lease", "EX", "soon")
        assert frozen.client.pttl("lease") == -1
        run("PEXPIRE", "lease", 1500)
        run("PSETEX", "other", 1000, "x")
        assert run("PERSIST", "other") == 1
        frozen.now += 1.5
        assert [run("EXISTS", name) for name in ("lease", "other")] == [0, 1]
        run("EXPIRE", "other", 9)
        run("SET", "other", "y")
        assert run("TTL", "other") == -1
        assert frozen.script("return redis.pcall('GET', 'lease')", []) is None
