"""``python -m celery_suite``: Celery's and kombu's own integration tests, side by side.

Exit status 0 if claims passes every test that stock passes, those of exceptions.toml aside; 1 if
one fails; 2 if the tests could not be had.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from celery_suite import sources
from celery_suite.compare import Comparison, exceptions
from celery_suite.run import REPOSITORY, Ended, run, selection

#: What ``--part`` runs: the files and names that together show the most in three minutes.
PART = {
    "celery": ["t/integration/test_inspect.py", "t/integration/test_tasks.py::test_tasks"],
    "kombu": [
        f"t/integration/test_redis.py::test_Redis{name}"
        for name in ("BasicFunctionality", "BaseExchangeTypes", "Priority", "Message", "EventLoop")
    ],
}


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="make celery-suite",
        description="Runs the integration tests of Celery and kombu, from their source "
        "distributions, on stock Redis and on the claims transport, each against a Redis server "
        "of its own, and compares.",
    )
    parser.add_argument("--part", action="store_true", help="three minutes of it, as CI does")
    parser.add_argument("--project", choices=["celery", "kombu"], help="only this one's tests")
    parser.add_argument("--transport", choices=["stock", "claims"], help="only on this one")
    parser.add_argument("--minutes", type=float, default=30, help="longest run of one (30)")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "build" / "celery-suite")
    parser.add_argument("tests", nargs="*", help="files or tests of that project, as pytest names")
    asked = parser.parse_args()
    if asked.tests and not asked.project:
        parser.error("tests go with --project")
    return asked


class Progress:
    """Counts the tests of a run on one line of a terminal, a line for each failure."""

    def __init__(self, title: str) -> None:
        self.title, self.ended, self.failed, self.began = title, 0, 0, time.monotonic()

    def __call__(self, one: Ended) -> None:
        """Count one more."""
        self.ended += 1
        self.failed += one.outcome == "failed"
        spent = time.monotonic() - self.began
        line = f"{self.title}: {self.ended} ended, {self.failed} failed, {spent:.0f} s"
        if sys.stderr.isatty():
            print(f"\r{line}", end="", file=sys.stderr, flush=True)
        elif one.outcome == "failed" or self.ended % 25 == 0:
            print(line, "" if one.outcome != "failed" else one.test, file=sys.stderr, flush=True)


def main() -> int:
    """Run what was asked for and print the tables; returns the exit status."""
    asked = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and end what was started
    asked.cache.mkdir(parents=True, exist_ok=True)
    status = 0
    for project in [asked.project] if asked.project else ["celery", "kombu"]:
        try:
            folder = sources.tests_of(project, asked.cache)
            plugins = sources.plugins(asked.cache)
        except sources.NoSources as error:
            print(f"The tests of {project} could not be had:\n{error}", file=sys.stderr)
            return 2
        tests = asked.tests or (PART[project] if asked.part else selection(project, folder))
        results: dict[str, dict[str, Ended]] = {"stock": {}, "claims": {}}
        for transport in [asked.transport] if asked.transport else list(results):
            log = asked.cache / f"{project}-{transport}.log"
            counter = Progress(f"{project} on {transport}")
            seconds = asked.minutes * 60
            results[transport] = run(
                project, folder, transport, tests, plugins, log, seconds, counter
            )
            print(f"\n{project} on {transport}: the whole log is {log}", file=sys.stderr)
        compared = Comparison(project, results["stock"], results["claims"], exceptions(project))
        print(compared.table(), flush=True)
        nothing = not any(results.values())
        if nothing or (not asked.transport and (not results["claims"] or compared.unexplained())):
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
