"""The comparison says which tests only one transport passes, and which of them may fail."""

from __future__ import annotations

import pytest

from celery_suite.compare import Comparison, exceptions
from celery_suite.run import Ended


def _ended(*outcomes: str) -> dict[str, Ended]:
    """Tests a, b, c, ... of one file, and how each ended."""
    names = [f"t/test_x.py::test_{letter}[1]" for letter in "abcdef"]
    return {
        name: Ended(name, outcome, 0.1, "why")
        for name, outcome in zip(names, outcomes, strict=False)
        if outcome != "missing"
    }


def test_what_only_stock_passes_is_told_unless_a_reason_is_listed() -> None:
    stock = _ended("passed", "passed", "passed", "failed", "skipped")
    claims = _ended("passed", "failed", "missing", "passed", "failed")
    compared = Comparison("kombu", stock, claims, {"t/test_x.py::test_b*": "reads a key"})
    assert compared.behind() == ["t/test_x.py::test_b[1]", "t/test_x.py::test_c[1]"]
    assert compared.unexplained() == ["t/test_x.py::test_c[1]"]
    assert compared.ahead() == ["t/test_x.py::test_d[1]"]


def test_the_table_counts_both_and_gives_the_reasons() -> None:
    stock, claims = _ended("passed", "passed"), _ended("passed", "failed")
    table = Comparison("kombu", stock, claims, {"t/test_x.py::test_b*": "reads a key"}).table()
    assert "2 passed" in table
    assert "1 passed, 1 failed" in table
    assert "may fail: reads a key" in table


@pytest.mark.parametrize("project", ["celery", "kombu"])
def test_each_exception_names_its_test_and_says_why(project: str) -> None:
    for test, reason in exceptions(project).items():
        assert test.startswith("t/integration/test_")
        assert "::" in test, "one test, not a file"
        assert len(reason) > 20
