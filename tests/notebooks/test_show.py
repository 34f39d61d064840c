"""Tests that tables give a reason if they are empty, and are readable in a dark JupyterLab."""

from __future__ import annotations

import re
from contextlib import closing
from types import SimpleNamespace
from typing import Any

from demo_app.demo.colours import INK, PAPER
from lab import Lab, Table, look


def test_the_history_of_a_job_that_redis_does_not_have_says_so() -> None:
    lab: Any = SimpleNamespace(redis=SimpleNamespace(exists=lambda key: 0))
    bundle = look.history(lab, "another")._repr_mimebundle_()
    assert "Redis does not have this job." in bundle["text/html"]


def test_each_process_is_listed_with_its_role_whatever_the_backend() -> None:
    with closing(Lab(backend="huey")) as lab:
        listed = {row[0] for row in look.processes(lab).rows}
    assert listed == {"redis", "mail server", "web app", "worker"}


def test_each_part_of_a_table_brings_its_own_paper() -> None:
    """Each cell and the caption have a style, because a dark theme would change their colours."""
    bundle = Table(("who", "what"), [("w1", "begins")], "a caption")._repr_mimebundle_()
    styles = re.findall(r'<(?:caption|th|td)[^>]* style="([^"]+)"', bundle["text/html"])
    assert len(styles) == 5
    for style in styles:
        assert f"background:{PAPER};color:{INK}" in style
