"""The suite finds what is broken: each backend here is wrong in one way, and one look finds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support import most_nightly

from demo_app.conformance import PROMISES, check_backend

HERE = str(Path(__file__).parent)
PROMISE = {promise.name: promise for promise in PROMISES}


#: The backend, the promise that it breaks, and what is said of it.
FOUND = (
    ("ChangesArguments", "arguments", "arrived as"),
    ("LastInFirstOut", "order", "they ran as"),
    ("NeverTriesAgain", "retry", "nothing came of waiting for tried"),
    ("TriesAgainAtOnce", "retry", "the second try came after"),
    ("LosesTracebacks", "retry", "no traceback"),
    ("SwallowsErrors", "discard", "ended as done"),
    ("OverlooksUnknownTasks", "unknown", "ended as done"),
    ("TakesWhatItCantDo", "unknown", "taken without an error"),
    ("MemorySurvivesEverything", "SIGKILL of the enqueuer", "lost a job"),
    ("MemorySurvivesEverything", "SIGKILL of the worker", "lost a job"),
)


def said_of(backend: str, promise: str, **options: Any) -> str:
    """What the suite says of the broken promise."""
    (found,) = check_backend(
        f"broken:{backend}", path=(HERE,), promises=[PROMISE[promise]], **options
    )
    assert found.seen == "broken"
    return found.problem


@pytest.mark.parametrize(
    ("backend", "promise", "message"),
    most_nightly(FOUND, FOUND[0], FOUND[1], FOUND[-1]),
)
def test_a_broken_backend_is_found_out(backend: str, promise: str, message: str) -> None:
    assert re.search(message, said_of(backend, promise, patience=4.0))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("boasting", "promise"),
    [
        ("HueySurvivesItsWorker", "SIGKILL of the worker"),
        ("RqTakesJobsSafely", "SIGKILL while it takes a job"),
    ],
)
def test_who_promises_to_survive_too_much_is_found_out(boasting: str, promise: str) -> None:
    assert "lost a job" in said_of(boasting, promise, patience=8.0)
