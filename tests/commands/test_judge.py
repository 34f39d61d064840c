"""Tests of `judge`: its exit statuses, and the last line of ``--json``."""

import json
from pathlib import Path

import pytest
from judge.broken import MINE

from demo_app.commands import main

JUDGE = ("judge", "mine.py:Mine", "--levels", "2", "--seed", "7")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.thorough
def test_a_queue_that_holds_is_0_and_the_last_line_is_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine.py").write_text(MINE.format(pop="rpop"))
    assert main([*JUDGE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {*found} == {"target", "seed", "levels"}
    assert (found["target"], found["seed"]) == ("mine.py:Mine", 7)
    [level] = found["levels"]
    names = {"level", "name", "held", "jobs", "lost", "doubled", "slowest_s", "why", "history"}
    assert set(level) == names
    assert (level["level"], level["held"], level["doubled"]) == (2, True, 0)
    assert level["jobs"] > 0 < level["slowest_s"]


def test_a_queue_that_breaks_a_promise_is_1_with_its_history(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine.py").write_text(MINE.format(pop="lpop"))
    assert main(JUDGE) == 1
    output = capsys.readouterr().out
    assert "run as job-2, job-1" in output, "with as few jobs as show it"
    assert "begins job-2" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody.py:Mine",), "There is no file nobody.py"),
        (("pigeons",), "nor command:COMMAND nor one of claims"),
        (("celery:shop.no_such:app",), "The Celery app shop.no_such:app can't be loaded"),
        (("wrong.py:Mine",), "SyntaxError"),
        (("empty.py:Mine",), "has no attribute 'Mine'"),
        (("empty.py:Mine", "--levels", "0-3"), "levels are numbers from 1 to 12"),
        (("empty.py:Mine", "--levels", "some"), "is not a list of levels"),
        (("empty.py:Mine", "--levels", "1,4-2"), "is not a list of levels"),
        (("empty.py:Mine", "--levels", "1-" + 5000 * "9"), "is not a list of levels"),
        ((), "Missing argument"),
    ],
)
def test_a_target_that_cannot_be_judged_exits_with_status_2_and_no_traceback(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("wrong.py").write_text("class Mine(:\n")
    Path("empty.py").write_text("")
    assert main(["judge", *arguments]) == 2
    output = "".join(capsys.readouterr())
    assert words in " ".join(output.split())
    assert "Traceback" not in output
