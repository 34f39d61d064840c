"""Every backend keeps what it promises, and refuses what it does not promise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from support import most_nightly

from demo_app.conformance import PROMISES, check_backend
from demo_app.conformance.harness import written
from demo_app.conformance.suite import Promise

#: Where the backend is that lesson 07 has somebody write.
NOTEBOOKS = str(Path(__file__).parents[2] / "notebooks")
OWN = "lab.folder_backend:make"
QUICK = [promise for promise in PROMISES if promise.name in ("arguments", "order")]
TOGETHER = [promise for promise in PROMISES if not promise.apart]
DEATHS = [promise for promise in PROMISES if promise.apart]


def problems(backend: str, promises: Iterable[Promise]) -> dict[str, str]:
    """Return the broken promises, each with what is wrong."""
    path = (NOTEBOOKS,) if backend == OWN else ()
    found = check_backend(backend, path=path, promises=promises)
    return {one.promise: one.problem for one in found if one.problem}


@pytest.mark.parametrize(
    "backend",
    [
        "inline",
        "memory",
        "celery",
        pytest.param("rq", marks=pytest.mark.thorough),
        pytest.param("huey", marks=pytest.mark.thorough),
        pytest.param(OWN, marks=pytest.mark.nightly),
    ],
)
def test_it_keeps_what_it_promises(backend: str) -> None:
    assert problems(backend, TOGETHER) == {}


@pytest.mark.parametrize(
    "backend", most_nightly(("inline", "memory", "celery", "rq", "huey", OWN), "celery")
)
def test_it_survives_the_deaths_that_it_promises_to(backend: str) -> None:
    assert problems(backend, DEATHS) == {}


def test_the_suite_is_one_call_away() -> None:
    found = check_backend(OWN, path=(NOTEBOOKS,), promises=QUICK)
    result = [(finding.seen, finding.problem) for finding in found]
    assert result == [("as sent", ""), ("first in, first out", "")]


def test_a_line_of_which_half_is_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert written(file) == []
    file.write_text('{"event": "begin"}\n{"event": "e')
    assert written(file) == [{"event": "begin"}]
    file.write_text('{"event": "begin"}\n{"event": "end"}\n')
    assert written(file) == [{"event": "begin"}, {"event": "end"}]
