"""A pytest plugin for the tests of Celery and kombu: stores each test's result when it ends.

Each line is one JSON object: ``{"test", "outcome", "seconds", "why"}`` with the outcome ``passed``,
``failed`` or ``skipped``. If the process hangs or dies, the results so far remain.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

RECORD = Path(os.environ["CELERY_SUITE_RECORD"])
#: Seconds until a test times out. Celery's own limit is 300.
LONGEST_TEST = int(os.environ.get("CELERY_SUITE_LONGEST_TEST", "150"))


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks that the two projects register in files that are not used here."""
    for mark in ("env(name): the server a test needs", "celery: options of Celery's own plugin"):
        config.addinivalue_line("markers", mark)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(LONGEST_TEST), append=False)


def pytest_runtest_logreport(report: Any) -> None:
    """Store the result after the test's call, or after a failed or skipped setup or teardown."""
    decisive = report.when == "call" or report.outcome in ("failed", "skipped")
    if not decisive or report.outcome == "rerun":
        return
    why = ""
    if report.outcome == "skipped":
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.wasxfail
    elif report.outcome == "failed":
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message if crash else str(report.longrepr)
    line = {
        "test": report.nodeid,
        "outcome": report.outcome,
        "seconds": round(report.duration, 2),
        "why": why[:300],
    }
    with RECORD.open("a") as file:
        file.write(json.dumps(line) + "\n")
