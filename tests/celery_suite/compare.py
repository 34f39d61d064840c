"""Compare stock Celery and claims: the tests that only one of them passes, with reasons."""

import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

from celery_suite.run import Ended
from demo_app.markdown import table


@dataclass(frozen=True)
class Comparison:
    """The results of a project's tests on the two transports."""

    project: str
    stock: dict[str, Ended]
    claims: dict[str, Ended]
    exceptions: dict[str, str]  #: pattern of a test's name -> the reason

    def reason(self, test: str) -> str | None:
        """Return why the test may fail on claims, or None if it must pass."""
        for pattern, reason in self.exceptions.items():
            if fnmatchcase(test.replace("[", "("), pattern.replace("[", "(")):
                return reason
        return None

    def behind(self) -> list[str]:
        """Return the tests that only stock Celery passes, including allowed exceptions."""
        return sorted(passed(self.stock) - passed(self.claims))

    def excepted(self) -> list[str]:
        return [test for test in self.behind() if self.reason(test) is not None]

    def unexplained(self) -> list[str]:
        return [test for test in self.behind() if self.reason(test) is None]

    def bad(self) -> list[str]:
        """Return the tests that only stock Celery passes, without the allowed exceptions.
        After a run on claims alone, return all its failures, without the allowed exceptions."""
        if self.stock and self.claims:
            return self.unexplained()
        failed = [test for test, one in self.claims.items() if one.outcome == "failed"]
        return sorted(test for test in failed if self.reason(test) is None)


def passed(results: dict[str, Ended]) -> set[str]:
    return {test for test, one in results.items() if one.outcome == "passed"}


def why(results: dict[str, Ended], test: str) -> str:
    return next(iter(results[test].why.splitlines()), "") if test in results else "did not end"


def counted(one: Comparison) -> str:
    """Return a table of the counts, and the reasons of allowed failures, as Markdown.

    The last three cells compare both runs. They are empty after a run on one transport.
    """
    columns = ["integration tests of", "stock Celery passes", "claims passes", "only claims passes"]
    columns += ["only stock Celery, explained below", "only stock Celery, unexplained"]
    counts = [str(len(passed(results))) for results in (one.stock, one.claims)]
    differ = ["", "", ""]
    if one.stock and one.claims:
        ahead = passed(one.claims) - passed(one.stock)
        differ = [str(len(tests)) for tests in (ahead, one.excepted(), one.unexplained())]
    row = [f"{one.project} {version(one.project)}", *counts, *differ]
    reasons = Counter((test.partition("[")[0], one.reason(test)) for test in one.excepted())
    lines = [
        f"- `{test.partition('::')[2]}`, {times} ×: {reason}."
        for (test, reason), times in reasons.items()
    ]
    return "\n".join([table(columns, [row], ["---", *["---:"] * len(columns[1:])]), "", *lines])


def exceptions(project: str) -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("exceptions.toml").read_text())[project]
