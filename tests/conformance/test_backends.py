"""Every backend keeps what it promises, and refuses what it does not promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from support import most_nightly

from demo_app.conformance import PROMISES, check_backend, looking_at
from demo_app.conformance.harness import written
from demo_app.conformance.suite import Promise

See = Callable[[Promise], str]
#: Where the backend is that lesson 07 has somebody write.
NOTEBOOKS = str(Path(__file__).parents[2] / "notebooks")
OWN = "lab.folder_backend:make"
QUICK = [promise for promise in PROMISES if promise.name in ("arguments", "order")]
TOGETHER = [promise for promise in PROMISES if not promise.apart]
DEATHS = [promise for promise in PROMISES if promise.apart]


def _name(one: Promise | type[Conformance]) -> str:
    return one.name if isinstance(one, Promise) else one.backend


class Conformance:
    """One test a promise."""

    backend: ClassVar[str]
    path: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture(scope="class")
    @classmethod
    def see(cls) -> Iterator[See]:
        """With running processes, shared by the promises that leave each other alone."""
        with looking_at(cls.backend, path=cls.path) as see:
            yield see

    @pytest.mark.parametrize("promise", TOGETHER, ids=_name)
    def test_it_keeps_what_it_promises(self, see: See, promise: Promise) -> None:
        assert see(promise)


class TestInline(Conformance):
    backend = "inline"


class TestMemory(Conformance):
    backend = "memory"


class TestCelery(Conformance):
    backend = "celery"


@pytest.mark.thorough
class TestRq(Conformance):
    backend = "rq"


@pytest.mark.thorough
class TestHuey(Conformance):
    backend = "huey"


@pytest.mark.nightly
class TestOneOfOnesOwn(Conformance):
    backend, path = OWN, (NOTEBOOKS,)


@pytest.mark.parametrize("promise", DEATHS, ids=_name)
@pytest.mark.parametrize("of", most_nightly(Conformance.__subclasses__(), TestCelery), ids=_name)
def test_it_survives_the_deaths_that_it_promises_to(
    of: type[Conformance], promise: Promise
) -> None:
    with looking_at(of.backend, path=of.path) as see:
        assert see(promise)


def test_the_suite_is_one_call_away() -> None:
    found = check_backend(OWN, path=(NOTEBOOKS,), promises=QUICK)
    told = [(finding.seen, finding.problem) for finding in found]
    assert told == [("as sent", ""), ("first in, first out", "")]


def test_a_line_of_which_half_is_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert written(file) == []
    file.write_text('{"event": "begin"}\n{"event": "e')
    assert written(file) == [{"event": "begin"}]
    file.write_text('{"event": "begin"}\n{"event": "end"}\n')
    assert written(file) == [{"event": "begin"}, {"event": "end"}]
