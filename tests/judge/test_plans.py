"""Tests of the parts of the judge that need no queue: plans, verdicts and histories."""

import random
from functools import partial

import pytest

from demo_app.judge.checker import check
from demo_app.judge.coverage import reason_not_tested
from demo_app.judge.history import story
from demo_app.judge.levels import LEVELS, at_random
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.record import Event, Record

STEPS = [f"claim:RPOP:1:{when}" for when in ("before", "after")]


def test_a_seed_brings_the_same_trials_back() -> None:
    for level in LEVELS.values():
        if level.faults_at_random:
            once, again, other = (
                [at_random(level, STEPS, chance) for _ in range(5)]
                for chance in map(random.Random, (7, 7, 8))
            )
            assert once == again != other


def test_a_smaller_trial_has_a_fault_or_some_jobs_less() -> None:
    faults = (Fault("run:begin", Act.KILL), Fault("run:end", Act.KILL))
    plan = Plan(5, ("job-1", "job-2", "job-3", "job-4"), faults)
    sizes = [(len(one.jobs), len(one.faults)) for one in plan.smaller()]
    assert sizes == [(4, 1), (4, 1), (1, 2), (2, 2), (3, 2)]
    assert Plan(5, faults=faults[:1]).smaller() == [], "nothing is smaller than that"


def event(at: float, kind: str, job: str, who: str = "w1", **more: object) -> Event:
    return {"at": at, "who": who, "event": kind, "job": job, **more}


def test_a_job_that_is_nowhere_is_lost_and_a_waiting_or_slow_one_is_late() -> None:
    jobs = ("gone", "waits", "slow", "fine")
    seen = [
        *(event(0.0, "put", job, "p1") for job in jobs),
        *(event(1.0, "begin", job) for job in ("slow", "fine")),
        event(2.0, "act", "", "judge", to="w1", act=Act.KILL),
        *(event(at, "begin", job, "w2") for at, job in ((4.0, "fine"), (9.0, "slow"))),
        *(event(9.5, "end", job, "w2", message_id=job) for job in ("fine", "slow")),
        event(20.0, "where", "gone", "judge", keys=[]),
        event(20.0, "where", "waits", "judge", keys=["claims:w1"]),
    ]
    record = Record(seen)
    assert record.lost == ["gone"]
    assert record.back == 7.0


def test_a_process_that_the_judge_stopped_does_not_show_that_the_machine_is_too_busy() -> None:
    stopped = event(1.0, "act", "", "judge", to="w1", act=Act.PAUSE)
    assert not Record([stopped, event(6.0, "late", "", "w1", seconds=5.0)]).late
    assert Record([stopped, event(6.0, "late", "", "w2", seconds=0.7)]).late


def test_the_verdict_names_whom_the_last_fault_hit_and_where_it_was() -> None:
    kills = [
        *(event(at, "halt", "", who, step=step)
          for at, who, step in ((1.0, "w1", "run:begin"), (3.0, "w2", "rescue:DEL:1:after"))),
        *(event(at, "act", "", "judge", to=who, act=Act.KILL)
          for at, who in ((2.0, "w1"), (4.0, "w2"))),
    ]  # fmt: skip
    put, seen = event(0.0, "put", "job-1", "p1"), event(20.0, "where", "job-1", "judge", keys=[])
    why = check(Plan(5), Record([put, *kills, seen]))
    assert "(SIGKILL to w2 at rescue:DEL:1:after)" in why


def test_a_level_whose_step_no_process_reached_is_not_tested() -> None:
    class Target:
        trusted = False

    run = [event(0.0, "sent", "", names=["RPOP"]), event(1.0, "begin", "job-1")]
    why_not = partial(reason_not_tested, Target(), steps=STEPS, translate=str.format)  # type: ignore[arg-type]
    assert why_not(LEVELS[5], records=[Record(run)], missed=[]) == ""
    result = why_not(LEVELS[5], records=[Record(run)], missed=[STEPS[1]])
    assert "broken at claim:RPOP:1:after" in result
    # a queue that sends no command to the judge's server
    result = why_not(LEVELS[10], records=[Record(run[1:])], missed=[])
    assert "not in the judge's server" in result


def test_the_history_shows_each_command_of_a_call_once() -> None:
    def call(at: float, *commands: str, **more: object) -> Event:
        return event(at, "call", "", method="claim", commands=[*commands], **more)

    calls = [
        call(1.0, "LLEN queue", "LLEN queue", halted=True),
        event(2.0, "halt", "", step="claim:LLEN:2:after"),
        call(3.0, "LLEN queue", "LLEN queue", "RPOP queue"),
        call(4.0, "LLEN queue"),
    ]
    result = [line.what for line in story(Record(calls))]
    assert result == [
        "claim: LLEN queue",
        "halts at claim:LLEN:2:after",
        "claim: RPOP queue",
        "claim: LLEN queue",
    ]


NO_REDIS = [event(at, "call", "", who, method=method, commands=[])
            for at, who, method in ((0.0, "p1", "put"), (1.0, "w1", "claim"))]  # fmt: skip
PUT = event(0.0, "call", "", "p1", method="put", commands=["LPUSH queue job-1"])
POP = event(1.0, "call", "", method="claim", commands=["LPOP queue"])


@pytest.mark.parametrize(
    ("calls", "keys", "reason"),
    [
        (NO_REDIS, [], "in no key of the server; put sent no command to Redis."),
        ([PUT, NO_REDIS[1]], ["queue"], "in queue; claim sent no command to Redis."),
        ([PUT, POP], ["jobs"], "does not return the job: it sends LPOP queue."),
        (
            [PUT, POP],
            [],
            "claim took it with LPOP queue, and returned None (is a return missing?).",
        ),
        ([event(1.0, "crashed", "", error="SystemExit")], ["queue"], "ended: SystemExit."),
        (
            [PUT, event(1.0, "begin", "queue")],
            [],
            "claim returned 'queue', which was never enqueued.",
        ),
        ([PUT], ["queue"], "it is in queue; claim does not come back."),
        ([], ["queue"], "it is in queue."),
    ],
)
def test_where_nothing_was_broken_the_verdict_says_which_method_to_look_at(
    calls: list[Event], keys: list[str], reason: str
) -> None:
    put, seen = event(0.0, "put", "job-1", "p1"), event(9.0, "where", "job-1", "judge", keys=keys)
    assert check(Plan(1), Record([put, *calls, seen])).endswith(reason)


def test_a_put_that_waits_for_the_server_has_not_taken_the_job() -> None:
    plan = LEVELS[11].plans([])[0]
    all_is_well = [
        *(event(0.0, kind, "job-1", "p1") for kind in ("putting", "put")),
        event(1.0, "act", "", "judge", to="p1", act=Act.SERVER),
        *(event(2.0, kind, "job-1", message_id="one") for kind in ("begin", "end")),
    ]
    waits = event(1.5, "put waits", "job-1", "judge", to="p1")
    assert check(plan, Record(all_is_well)) == ""
    assert "did not come back" in check(plan, Record([*all_is_well, waits]))
