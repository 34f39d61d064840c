"""Tests that each backend keeps its promises."""

from pathlib import Path

import pytest
from support import most_nightly

from demo_app.conformance import PROMISES, check_backend
from demo_app.conformance.harness import Broken, Harness, read_events
from demo_app.conformance.sample_tasks import step
from demo_app.conformance.suite import Promise
from demo_app.settings import known_backends
from demo_app.stack import Stack

#: The folder of `lab`. The module `lab.folder_backend` contains the backend of lesson 07.
NOTEBOOKS = str(Path(__file__).parents[2] / "notebooks")
OWN = "lab.folder_backend:make"
#: Backends that `make test` leaves out. It tests all others, including new ones.
SLOW = {"rq": pytest.mark.thorough, "huey": pytest.mark.thorough, OWN: pytest.mark.nightly}
PAGE = Path(NOTEBOOKS, "reference", "backends.md")


def problems(backend: str, apart: bool) -> dict[str, str]:
    promises = [one for one in PROMISES if one.apart is apart]
    found = check_backend(backend, path=(NOTEBOOKS,) if backend == OWN else (), promises=promises)
    return {one.promise: one.problem for one in found if one.problem}


@pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=SLOW.get(name, ())) for name in (*known_backends(), OWN)]
)
def test_it_keeps_what_it_promises(backend: str) -> None:
    assert problems(backend, apart=False) == {}


@pytest.mark.parametrize("backend", most_nightly((*known_backends(), OWN), "celery"))
def test_it_survives_the_deaths_that_it_promises_to(backend: str) -> None:
    assert problems(backend, apart=True) == {}


def test_the_page_has_a_column_for_each_backend() -> None:
    [head] = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| promise")]
    assert sorted(head.strip("| ").split(" | ")[1:]) == known_backends()


def test_a_check_that_fails_does_not_disturb_the_next_one() -> None:
    stacks: list[Stack] = []

    def fail(harness: Harness) -> str:
        stacks.append(harness.stack)
        raise Broken("the jobs of the first check still run")

    def succeed(harness: Harness) -> str:
        stacks.append(harness.stack)
        return harness.put(step.job(1)) and "it runs jobs"

    promises = [Promise(see.__name__, see) for see in (fail, succeed, succeed)]
    found = check_backend("memory", promises=promises)
    assert [one.problem for one in found] == ["the jobs of the first check still run", "", ""]
    assert stacks[0] is not stacks[1], "the next check has its own processes"
    assert stacks[1] is stacks[2]


def test_a_line_of_which_half_is_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert read_events(file) == []
    file.write_text('{"event": "begin"}\n{"event": "e')
    assert read_events(file) == [{"event": "begin"}]
    file.write_text('{"event": "begin"}\n{"event": "end"}\n')
    assert read_events(file) == [{"event": "begin"}, {"event": "end"}]
