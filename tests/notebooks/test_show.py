"""A table breaks no short name in two, and says why it is empty."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lab import look
from lab.show import Table


def test_a_short_name_of_a_row_is_kept_on_one_line() -> None:
    html = Table(("check", "", "found"), [("DEMO_DATABASE_URL", "ok", "x" * 90)])._html()
    name, _, _ = html.partition(">DEMO_DATABASE_URL<")
    assert name.rpartition("<")[2].endswith('white-space:nowrap"')


def test_a_long_question_may_be_broken() -> None:
    html = Table(("question",), [("How many mails arrive after the crash of a worker?",)])._html()
    assert html.count("nowrap") == 1, "the head's"


def test_the_history_of_a_job_that_redis_does_not_have_says_so() -> None:
    """As when the id of another system's job was given."""
    lab: Any = SimpleNamespace(redis=SimpleNamespace(exists=lambda key: 0))
    assert "Redis does not have this job." in look.history(lab, "another")._html()


def test_the_lines_of_a_file_stay_lines() -> None:
    html = Table(("file", "what is in it"), [("a.csv", "one,two\n1,2")])._html()
    assert 'white-space:pre-line">one,two\n1,2<' in html
