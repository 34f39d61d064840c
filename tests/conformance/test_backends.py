"""Every backend keeps what it promises, and refuses what it does not promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from demo_app.conformance import PROMISES, Harnesses, Subject, check_backend
from demo_app.conformance.harness import written
from demo_app.conformance.suite import Promise

HERE = str(Path(__file__).parent)
QUICK = [promise for promise in PROMISES if promise.name in ("arguments", "priority")]


class Conformance:
    """One test a promise."""

    subject: ClassVar[Subject]

    @pytest.fixture(scope="class")
    @classmethod
    def harnesses(cls) -> Iterator[Harnesses]:
        """Running processes, shared by the promises that leave each other alone."""
        with Harnesses(cls.subject) as harnesses:
            yield harnesses

    @pytest.mark.parametrize("promise", PROMISES, ids=[promise.name for promise in PROMISES])
    def test_it_keeps_what_it_promises(self, harnesses: Harnesses, promise: Promise) -> None:
        assert harnesses.see(promise)


class TestInline(Conformance):
    subject = Subject("inline")


class TestMemory(Conformance):
    subject = Subject("memory")


class TestCelery(Conformance):
    subject = Subject("celery")


@pytest.mark.thorough
class TestRq(Conformance):
    subject = Subject("rq")


@pytest.mark.thorough
class TestHuey(Conformance):
    subject = Subject("huey")


@pytest.mark.thorough
class TestOneOfOnesOwn(Conformance):
    subject = Subject("mini:MiniBackend", path=(HERE,))


def test_the_suite_is_one_call_away() -> None:
    found = check_backend("mini:MiniBackend", path=(HERE,), promises=QUICK)
    told = [(finding.seen, finding.problem) for finding in found]
    assert told == [("as sent", ""), ("refused", "")]


def test_a_line_of_which_half_is_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert written(file) == []
    file.write_text('{"event": "begin"}\n{"event": "e')
    assert written(file) == [{"event": "begin"}]
    file.write_text('{"event": "begin"}\n{"event": "end"}\n')
    assert written(file) == [{"event": "begin"}, {"event": "end"}]
