"""Tests that the Python on the page for Ruby readers is valid, and that its jobs run."""

import ast
import re
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from notebooks.kernels import NOTEBOOKS

from demo_app.backends.inline import InlineBackend
from demo_app.jobs import backend

PAGE = (NOTEBOOKS / "reference" / "ruby.md").read_text("utf-8")


def python_of(section: str) -> list[str]:
    """Return the code in the second column of the section's table, except code with "…"."""
    table = PAGE.partition(f"## {section}")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .*? \| (.*?) \|", table, re.M)
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row) if "…" not in code]


@pytest.mark.parametrize("code", python_of("The language"))
def test_each_python_block_is_python(code: str) -> None:
    ast.parse(f"{code}\ndef f(): ..." if code.startswith("@") else code)


def test_the_jobs_of_the_page_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inline = InlineBackend()
    monkeypatch.setattr(backend, "started_backend", lambda _: inline)
    monkeypatch.setattr(sys.modules["demo_app.jobs.task"], "_registry", {})
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, Any] = {"__name__": "page", "t": datetime.now(UTC)}
    exec(text, names)  # the page's own example
    calls = [code for code in python_of("Active Job") if "(7)" in code or ".using(" in code]
    for code in calls:
        eval(code, names)
    assert len(calls) >= 5
    assert capsys.readouterr().out.split() == ["7"] * sum("(7)" in code for code in calls)
