"""Tests that the suite finds the fault of each broken backend."""

import re
from pathlib import Path

import pytest
from support import most_nightly

from demo_app.conformance import PROMISES, check_backend

HERE = str(Path(__file__).parent)
PROMISE = {promise.name: promise for promise in PROMISES}


#: The backend, the promise that it breaks, and a part of the suite's finding.
FOUND = (
    ("ChangesArguments", "arguments", "arrived as"),
    ("LastInFirstOut", "order", "they ran as"),
    ("NeverTriesAgain", "retry", "while waiting for tried"),
    ("TriesAgainAtOnce", "retry", "the second try came after"),
    ("LosesTracebacks", "retry", "no traceback"),
    ("SwallowsErrors", "discard", "ended as done"),
    ("OverlooksUnknownTasks", "unknown", "ended as done"),
    ("TakesWhatItCantDo", "unknown", "accepted an unsupported option"),
    ("MemorySurvivesEverything", "SIGKILL of the enqueuer", "the process that enqueued it"),
    ("MemorySurvivesEverything", "SIGKILL of the worker", "the process that enqueued it"),
    ("HueySurvivesItsWorker", "SIGKILL of the worker", "the worker that ran it"),
    ("RqTakesJobsSafely", "SIGKILL of a worker while it takes a job", "the worker that took it"),
)


@pytest.mark.parametrize(
    ("backend", "promise", "message"), most_nightly(FOUND, FOUND[0], FOUND[1], FOUND[5], FOUND[-3])
)
def test_a_broken_backend_is_found_out(backend: str, promise: str, message: str) -> None:
    (found,) = check_backend(
        f"broken:{backend}", path=(HERE,), promises=[PROMISE[promise]], patience=8.0
    )
    assert found.seen == "broken"
    assert re.search(message, found.problem)
