"""Stock and claims side by side: which tests only one of them passes, and what that means."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from celery_suite.run import Ended

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
        passed = [test for test, one in self.stock.items() if one.outcome == "passed"]
        return sorted(test for test in passed if outcome(self.claims, test) != "passed")

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
        passed = [test for test, one in self.claims.items() if one.outcome == "passed"]
        return sorted(test for test in passed if outcome(self.stock, test) != "passed")

    def table(self) -> str:
        """Both counted, file by file, and then every test on which they differ."""
        files = sorted({test.split("::")[0] for test in [*self.stock, *self.claims]})
        lines = [f"{self.project:34} {'stock':>22} {'claims':>22}"]
        for file in files:
            name = file.rsplit("/", 1)[-1]
            cells = [count(results, file) for results in (self.stock, self.claims)]
            lines.append(f"{name:34} {cells[0]:>22} {cells[1]:>22}")
        cells = [count(results, "") for results in (self.stock, self.claims)]
        lines.append(f"{'together':34} {cells[0]:>22} {cells[1]:>22}")
        for test in self.ahead():
            lines.append(f"  only claims passes: {test}")
        for test in self.behind():
            why = self.claims[test].why.splitlines() if test in self.claims else ["did not end"]
            told = self.reason(test)
            lines.append(f"  only stock passes: {test}")
            lines.append(f"      may fail: {told}" if told else f"      {why[0] if why else ''}")
        return "\n".join(lines)


def outcome(results: dict[str, Ended], test: str) -> str:
    """How the test ended: passed, failed, skipped or missing."""
    return results[test].outcome if test in results else "missing"


def count(results: dict[str, Ended], file: str) -> str:
    """How many tests of the file passed, failed and were skipped, in a cell of the table."""
    found = Counter(one.outcome for one in results.values() if one.test.startswith(file))
    words = [f"{found['passed']} passed"]
    words += [f"{found[word]} {word}" for word in ("failed", "skipped") if found[word]]
    return ", ".join(words)


def exceptions(project: str) -> dict[str, str]:
    """The tests of the project that may fail on claims, and why."""
    listed: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text())[project]
    return listed
