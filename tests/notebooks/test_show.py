"""A table breaks no word of the learner's in two."""

from __future__ import annotations

from lab.show import Table


def test_a_short_name_of_a_row_is_kept_on_one_line() -> None:
    html = Table(("check", "", "found"), [("DEMO_DATABASE_URL", "ok", "x" * 90)])._html()
    name, _, _ = html.partition(">DEMO_DATABASE_URL<")
    assert name.rpartition("<")[2].endswith('white-space:nowrap"')


def test_a_long_question_may_be_broken() -> None:
    html = Table(("question",), [("How many mails arrive after the crash of a worker?",)])._html()
    assert html.count("nowrap") == 1, "the head's"
