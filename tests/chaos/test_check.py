"""Tests that the checker finds each broken promise in a history."""

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support import run_python

from chaos import check

Line = dict[str, Any]


def _queue(*events: tuple[float, str, str]) -> list[Line]:
    return [
        {"at": at, "what": "queue", "job": "j", "event": event, "by": by, "detail": ""}
        for at, event, by in events
    ]


def _seen(*deliveries: float, **changes: object) -> Line:
    mail = {
        "mail": deliveries[0],
        "job": "j",
        "to": ["akiko@blog.test"],
        "text": "Hello Akiko,\n\nReader wrote:\n\nbody-1\n",
        "deliveries": deliveries,
    }
    return {"at": 0.0, "what": "seen", **mail, **changes}


def _dead(why: str, at: float = 1.25) -> Line:
    by = {"job": "j", "event": "dead", "by": "w-7-a.1", "detail": json.dumps({"traceback": why})}
    return {"at": at, "what": "queue", **by}


ASKED = [
    {"at": 0.0, "what": "posts", "to": {"1": "akiko@blog.test"}},
    {"at": 1.0, "what": "sent", "post": 1, "author": "Reader", "body": "body-1"},
    {"at": 1.1, "what": "accepted", "body": "body-1", "job": "j"},
    {"at": 1.1, "what": "stored", "body": "body-1"},
]
RUN = _queue((1.1, "enqueued", "web"), (1.2, "claimed", "w-7-a.1"), (1.4, "done", "w-7-a.1"))
RESCUED = _queue((1.2, "claimed", "w-7-a.1"), (5.0, "rescued", "w-8-a.1"))
AGAIN = _queue((5.1, "claimed", "w-8-a.1"), (5.4, "done", "w-8-a.1"))
#: The worker w-7 runs other jobs all the time, but not the job with the missing mail.
BUSY = [
    {**line, "job": f"other-{n}"}
    for n in range(10)
    for line in _queue((2.0 + 2 * n, "claimed", "w-7-a.1"), (2.1 + 2 * n, "done", "w-7-a.1"))
]


def _found(*lines: Line) -> dict[str, list[str]]:
    return check.check(check.History([*ASKED, *lines]))


def test_a_promise_that_was_kept_has_nothing_broken() -> None:
    assert _found(*RUN, _seen(1.3)) == {}


def test_a_job_that_was_rescued_and_brought_again_is_as_it_should_be() -> None:
    assert _found(*RESCUED, *AGAIN, _seen(1.3, 5.2)) == {}


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        ("lost", []),
        ("lost", [*RUN, _seen(1.3), {"at": 1.5, "what": "stored", "body": "body-2"}]),
        ("not stored", [{"at": 1.5, "what": "accepted", "body": "body-2", "job": "k"}]),
        ("late", [*_queue((62.0, "claimed", "w"), (62.2, "done", "w")), _seen(62.1)]),
        ("seen twice", [*RESCUED, *AGAIN, _seen(1.3), _seen(5.2)]),
        ("wrong", [*RUN, _seen(1.3, to=["somebody@else.test"])]),
        ("wrong", [*RUN, _seen(1.3, text="Hello,\n\nSomebody else wrote:\n\nbody-1\n")]),
        ("wrong", [*RUN, _seen(1.3), _seen(1.4, text="Hello,\n\nReader wrote:\n\nbody-2\n")]),
        ("buried", [*RUN[:2], _dead("the mail server replied 451 later"), *AGAIN, _seen(5.3)]),
        ("buried", [*RUN[:2], _dead("the mail server replied 550 never"), *AGAIN, _seen(5.3)]),
        ("twice at once", [*RUN[:2], *AGAIN, _seen(1.3)]),
        ("run again", [*RUN, *AGAIN, _seen(1.3)]),
        ("put in twice", [*RUN, *_queue((2.0, "enqueued", "web")), *AGAIN, _seen(1.3)]),
        ("stale", [*RESCUED, *AGAIN, _seen(5.2, 9.0)]),
        ("stranded", [*RUN[:2], *BUSY, *_queue((22.0, "rescued", "w")), *AGAIN, _seen(23.0)]),
    ],
)
def test_a_broken_promise_is_found(broken: str, lines: list[Line]) -> None:
    assert broken in _found(*lines)


def test_jobs_of_killed_workers_that_come_back_too_late_are_slow() -> None:
    lines: list[Line] = []
    for n in range(3):
        kill = {"kind": "worker: SIGKILL", "over": 2.0, "pids": [n]}
        lines.append({"at": 2.0, "what": "fault", **kill})
        events = ((1.5, "claimed", f"w-{n}-a.1"), (24.0, "rescued", "w"), (25.0, "claimed", "w"))
        lines += [{**line, "job": f"job-{n}"} for line in _queue(*events)]
    assert "slow" in _found(*lines)
    assert "slow" not in _found(*lines, {"at": 9.0, "what": "machine", "busy": 9.0})


def test_it_runs_by_itself_and_imports_nothing_of_the_app(tmp_path: Path) -> None:
    source = Path(check.__file__)
    names = {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    file = tmp_path / "history.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in [*ASKED, *RUN]))
    done = run_python("-I", source, file)
    assert done.returncode == 1
    assert json.loads(done.stdout)["broken"] == {"lost": ["body-1"]}
