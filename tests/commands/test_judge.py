"""`judge`: exit statuses, and the last line of ``--json``, as other programs rely on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judge.broken import MINE
from support import run_python

from demo_app.commands import main

JUDGE = ("-m", "demo_app", "judge", "mine.py:Mine", "--levels", "1-2", "--seed", "7")


@pytest.mark.thorough
def test_a_queue_that_holds_is_0_and_the_last_line_is_json(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE.format(pop="rpop"))
    told = run_python(*JUDGE, "--json", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    assert {*found} == {"target", "seed", "levels"}
    assert (found["target"], found["seed"]) == ("mine.py:Mine", 7)
    assert [level["level"] for level in found["levels"]] == [1, 2]
    names = {"level", "name", "held", "jobs", "lost", "doubled", "slowest_s", "why", "history"}
    assert all(set(level) == names for level in found["levels"])
    assert all(level["held"] and level["jobs"] > 0 for level in found["levels"])
    assert all(level["doubled"] == 0 < level["slowest_s"] for level in found["levels"])


def test_a_queue_that_breaks_a_promise_is_1_with_its_history(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE.format(pop="lpop"))
    told = run_python(*JUDGE, cwd=tmp_path)
    assert told.returncode == 1
    assert "run as job-2, job-1" in told.stdout, "with as few jobs as show it"
    assert "begins job-2" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody.py:Mine",), "There is no file nobody.py"),
        (("pigeons",), "nor command:COMMAND nor one of claims"),
        (("celery:shop.no_such:app",), "The Celery app shop.no_such:app can't be loaded"),
        (("wrong.py:Mine",), "SyntaxError"),
        (("empty.py:Mine",), "has no attribute 'Mine'"),
        (("empty.py:Mine", "--levels", "0-3"), "the levels are 1 to 12"),
        (("empty.py:Mine", "--levels", "some"), "is not a list of levels"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_judged_is_2_and_one_sentence(
    tmp_path: Path,
    arguments: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "wrong.py").write_text("class Mine(:\n")
    (tmp_path / "empty.py").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["judge", *arguments]) == 2
    told = "".join(capsys.readouterr())
    assert words in " ".join(told.split())
    assert "Traceback" not in told
