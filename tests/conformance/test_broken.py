"""The suite finds what is broken: each backend here is wrong in one way, and one look finds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import most_thorough

from demo_app.conformance import PROMISES, Broken, Harnesses

HERE = str(Path(__file__).parent)
PROMISE = {promise.name: promise for promise in PROMISES}


#: The backend, the promise that it breaks, and what is said of it.
FOUND = (
    ("ChangesArguments", "arguments", "arrived as"),
    ("LastInFirstOut", "order", "they ran as"),
    ("ForgetsPriority", "priority", "the priorities ran as"),
    ("TakesWhatItCantDo", "priority", "taken without an error"),
    ("ForgetsDelay", "delay", "too early"),
    ("TakesWhatItCantDo", "delay", "taken without an error"),
    ("NeverTriesAgain", "retry", "nothing came of waiting for tried"),
    ("TriesAgainAtOnce", "retry", "the second try came after"),
    ("LosesTracebacks", "retry", "no traceback"),
    ("NeverGivesUp", "gives up", "another try after 2|nothing came"),
    ("SwallowsErrors", "gives up", "ended as"),
    ("SwallowsErrors", "discard", "ended as done"),
    ("LosesResults", "results", "it returned None"),
    ("RunsTwice", "same id twice", "ran 4 times"),
    ("OverlooksUnknownTasks", "unknown", "ended as done"),
    ("TakesWhatItCantDo", "unknown", "taken without an error"),
    ("OneAtATime", "side by side", "did not run|waiting for two jobs"),
    ("LosesEveryThird", "throughput", "nothing came of waiting for job"),
    ("CantBeClosedTwice", "stop", "closed already"),
    ("MemorySurvivesEverything", "SIGKILL of the enqueuer", "lost a job"),
    ("MemorySurvivesEverything", "SIGKILL of the worker", "lost a job"),
)


@pytest.mark.parametrize(
    ("backend", "promise", "message"),
    most_thorough(FOUND, FOUND[0], FOUND[1], FOUND[-1]),
)
def test_a_broken_backend_is_found_out(backend, promise, message):
    harnesses = Harnesses(f"broken:{backend}", path=(HERE,), patience=4.0)

    with harnesses, pytest.raises(Broken, match=message):
        harnesses.see(PROMISE[promise])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("boasting", "promise"),
    [
        ("HueySurvivesItsWorker", "SIGKILL of the worker"),
        ("RqTakesJobsSafely", "SIGKILL while it takes a job"),
    ],
)
def test_who_promises_to_survive_too_much_is_found_out(boasting, promise):
    harnesses = Harnesses(f"broken:{boasting}", path=(HERE,), patience=8.0)

    with harnesses, pytest.raises(Broken, match="lost a job"):
        harnesses.see(PROMISE[promise])


def test_a_broker_that_keeps_nothing_on_disk_is_found_out():
    harnesses = Harnesses("celery", patience=8.0, persistence=False)

    with harnesses, pytest.raises(Broken, match="lost a job"):
        harnesses.see(PROMISE["SIGKILL of the broker"])
