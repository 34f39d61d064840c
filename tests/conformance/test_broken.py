"""The suite finds what is broken: each backend here is wrong in one way, and one look finds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support import most_thorough

from demo_app.conformance import PROMISES, Broken, looking_at

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


def said_of(backend: str, promise: str, **options: Any) -> str:
    """What the suite says of the broken promise."""
    with looking_at(backend, path=(HERE,), **options) as see, pytest.raises(Broken) as found:
        see(PROMISE[promise])
    return str(found.value)


@pytest.mark.parametrize(
    ("backend", "promise", "message"),
    most_thorough(FOUND, FOUND[0], FOUND[1], FOUND[-1]),
)
def test_a_broken_backend_is_found_out(backend: str, promise: str, message: str) -> None:
    assert re.search(message, said_of(f"broken:{backend}", promise, patience=4.0))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("boasting", "promise"),
    [
        ("HueySurvivesItsWorker", "SIGKILL of the worker"),
        ("RqTakesJobsSafely", "SIGKILL while it takes a job"),
    ],
)
def test_who_promises_to_survive_too_much_is_found_out(boasting: str, promise: str) -> None:
    assert "lost a job" in said_of(f"broken:{boasting}", promise, patience=8.0)


def test_a_broker_that_keeps_nothing_on_disk_is_found_out() -> None:
    said = said_of("celery", "SIGKILL of the broker", patience=8.0, persistence=False)
    assert "lost a job" in said
