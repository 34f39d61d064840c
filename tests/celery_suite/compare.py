"""Stock and claims side by side: which tests only one of them passes, and what that means."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

from celery_suite.run import Ended
from demo_app.markdown import table

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")


@dataclass(frozen=True)
class Comparison:
    """What a project's tests say about the two transports."""

    project: str
    stock: dict[str, Ended]
    claims: dict[str, Ended]
    exceptions: dict[str, str]  #: pattern of a test's name -> the reason

    def reason(self, test: str) -> str | None:
        """Why the test may fail on claims; None if it may not."""
        for pattern, reason in self.exceptions.items():
            if fnmatchcase(test.replace("[", "("), pattern.replace("[", "(")):
                return reason
        return None

    def behind(self) -> list[str]:
        """The tests that stock passes and claims does not, by name, excepted ones included."""
        return sorted(passed(self.stock) - passed(self.claims))

    def excepted(self) -> list[str]:
        """Those of them that may fail, for a reason."""
        return [test for test in self.behind() if self.reason(test) is not None]

    def unexplained(self) -> list[str]:
        """Those of them that may not."""
        return [test for test in self.behind() if self.reason(test) is None]

    def bad(self) -> list[str]:
        """What is wrong with claims; where only one of the two ran, each failure on claims that has
        no reason."""
        if self.stock and self.claims:
            return self.unexplained()
        failed = [test for test, one in self.claims.items() if one.outcome == "failed"]
        return sorted(test for test in failed if self.reason(test) is None)

    def ahead(self) -> list[str]:
        """The tests that claims passes and stock does not."""
        return sorted(passed(self.claims) - passed(self.stock))


def passed(results: dict[str, Ended]) -> set[str]:
    """The tests that passed."""
    return {test for test, one in results.items() if one.outcome == "passed"}


def why(results: dict[str, Ended], test: str) -> str:
    """The first line of why the test did not pass."""
    return next(iter(results[test].why.splitlines()), "") if test in results else "did not end"


def counted(compared: list[Comparison]) -> str:
    """A row for each project, and the reasons of the tests that need not pass, as Markdown. The
    last three cells are of both runs, and empty where there was one."""
    columns = ["integration tests of", "stock passes", "claims passes", "only claims passes"]
    columns += ["only stock, explained below", "only stock, unexplained"]
    rows = []
    for one in compared:
        counts = [str(len(passed(results))) for results in (one.stock, one.claims)]
        differ = ["", "", ""]
        if one.stock and one.claims:
            differ = [str(len(n)) for n in (one.ahead(), one.excepted(), one.unexplained())]
        rows.append([f"{one.project} {version(one.project)}", *counts, *differ])
    shown = table(columns, rows, ["---", *("---:" for _ in columns[1:])])
    return "\n".join([shown, "", *_reasons(compared)])


def _reasons(compared: list[Comparison]) -> Iterator[str]:
    for one in compared:
        named = Counter((test.partition("[")[0], one.reason(test)) for test in one.excepted())
        for (test, reason), times in named.items():
            yield f"- `{test.partition('::')[2]}`, {times} ×: {reason}."


def exceptions(project: str) -> dict[str, str]:
    """The tests of the project that may fail on claims, and why."""
    listed: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text())[project]
    return listed
