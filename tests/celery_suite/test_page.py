"""The broker's page says what the last runs have left."""

from __future__ import annotations

import json
from pathlib import Path

from celery_suite.page import measured, strangers


def _record(file: Path, **outcomes: str) -> None:
    lines = [
        {"test": f"t/test_x.py::test_{name}", "outcome": outcome, "seconds": 1, "why": ""}
        for name, outcome in outcomes.items()
    ]
    file.write_text("\n".join(map(json.dumps, lines)))


def test_both_transports_are_counted_and_a_second_try_counts(tmp_path: Path) -> None:
    _record(tmp_path / "celery-stock.jsonl", a="passed", b="passed", c="failed")
    _record(tmp_path / "celery-claims.jsonl", a="passed", b="failed", c="passed")
    nothing = tmp_path / "none.json"
    assert "| 2 | 2 | 1 | 0 | 1 |" in measured(tmp_path, nothing)
    _record(tmp_path / "celery-claims-again.jsonl", b="passed")
    assert "| 2 | 3 | 1 | 0 | 0 |" in measured(tmp_path, nothing)


def test_what_the_soak_said_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "soak-claims-threads.txt").write_text("parcels: 3 ordered, 3 packed, 0 lost")
    assert "```text\nparcels: 3 ordered" in measured(tmp_path, tmp_path / "none.json")


def test_messages_at_which_a_worker_of_stock_ended_are_listed(tmp_path: Path) -> None:
    harmless, deadly = ({"message": name, "ended": "gone"} for name in ("no task", "deep"))
    stock = [harmless | {"behind": "done", "ended_workers": 0}]
    stock += [deadly | {"behind": "not done", "ended_workers": 4}]
    claims = [one | {"ended": "dead", "behind": "done", "ended_workers": 0} for one in stock]
    (tmp_path / "hostile-prefork.json").write_text(json.dumps({"stock": stock, "claims": claims}))
    text = strangers(tmp_path)
    assert "| stock | 2 | 1 | 2 | 4 |" in text
    assert "| deep | gone; the job behind not done, workers that ended: 4 | dead;" in text
    assert "| no task |" not in text


def test_a_section_of_which_nothing_was_run_is_left_alone(tmp_path: Path) -> None:
    assert measured(tmp_path, tmp_path / "none.json") == strangers(tmp_path) == ""
