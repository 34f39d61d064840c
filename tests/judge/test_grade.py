"""Hand-ins are graded one by one, and each mistake of theirs stays with it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from judge.classroom import MINE, notebook
from support import run_python, until

from demo_app.judge import learners
from demo_app.judge.grade import grade
from demo_app.judge.leash import Leash
from demo_app.judge.target import CannotJudge
from demo_app.judge.targets import target_of

GOOD = MINE.format(extra="", pop="rpop")


def _graded(
    folder: Path, *arguments: object, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "demo_app", "judge", "--grade", folder, *arguments, cwd=cwd)


def _rows(sheet: Path) -> dict[str, dict[str, str]]:
    return {row["hand-in"]: row for row in csv.DictReader(sheet.read_text().splitlines())}


#: Each hand-in's name and text; its name in the sheet, if it is another one there; of its row the
#: class, the sign of level 2 and how many are held; and words of what it is told.
NOTHING = ("", "", "0")
HAND_INS = [
    ("a good.py", GOOD, "", ("Mine", "✓", "1"), ""),
    ("a folder.py", None, "", NOTHING, ""),
    ("a pipe.py", None, "", NOTHING, "It is no file"),
    ("a link.py", None, "", NOTHING, "It is no file"),
    ("endless.py", None, "", NOTHING, "It is too large"),
    ("b.ipynb", notebook(GOOD, "%%time\n1", MINE.format(extra="", pop="lpop"), "judge(Mine)"), "",
     ("Mine", "✗", "0"), "run as job-2, job-1"),
    ("c.py", "class Mine:\n    pass\n", "", NOTHING, "no class with put, claim and ack"),
    ("d.py", "class Mine(:\n", "", NOTHING, "no Python: SyntaxError"),
    ("e.py", MINE.format(extra=f"bytearray({4 << 30}); ", pop="rpop"), "",
     ("Mine", "✗", "0"), "MemoryError"),
    ("f.ipynb", "no notebook", "", NOTHING, "can't be read"),
    ("g.ipynb", notebook("class Mine(:\n"), "", NOTHING, "no Python: SyntaxError"),
    ("h.ipynb", "[" * 100_000, "", NOTHING, "RecursionError"),
    ("hanako_123/mine.py", f"{GOOD.replace('Mine', 'Base')}\n\nclass Best(Base):\n    pass\n", "",
     ("Best", "✓", "1"), ""),
    ("=cmd|'!A1.py", "", "'=cmd|'!A1.py", NOTHING, ""),
    ("a;=1+1.py", "", "a;'=1+1.py", NOTHING, ""),
    ("bar\\|✓.py", "", "", NOTHING, ""),
    ("![](x) <img src=x>.py", "", "", NOTHING, ""),
    ("red \x1b[31m.py", GOOD.replace("pass", "import os; os.kill(os.getppid(), 9)"),
     "red ⟨U+001B⟩[31m.py", ("Mine", "✓", "1"), ""),
    ("robber.py", GOOD.replace("import redis", "") + "import pathlib\n"
     "for one in pathlib.Path('.').iterdir(): one.unlink()\n", "", ("Mine", "✓", "1"), ""),
    ("tells.py", f"{GOOD}\nraise ValueError('so ' * 60)\n", "", NOTHING, "can't be loaded"),
]  # fmt: skip
#: Hand-ins of lessons: the text, and what it is told.
ANSWERS = {
    "a pipe.json": (None, "It is no file, or too large."),
    "deep.json": ("[" * 100_000, "It is no hand-in: RecursionError."),
    "endless.json": ('{"exercises": {"1.1": {"right": true, "tries": 1e999}}}',
                     "It is no hand-in: OverflowError."),
    "wide.json": (json.dumps({"exercises": {f"1.{n}": {} for n in range(999)}}),
                  "It is no hand-in: it has too many exercises."),
}  # fmt: skip


@pytest.mark.timeout(300)
def test_each_hand_in_has_a_row_whatever_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "handed in"
    (folder / "hanako_123").mkdir(parents=True)
    (folder / "a folder.py").mkdir()
    with (folder / "endless.py").open("wb") as file:
        file.truncate(1 << 40)
    (folder / "a link.py").symlink_to("a good.py")  # or to what the instructor alone can read
    os.mkfifo(folder / "a pipe.py")
    os.mkfifo(folder / "a pipe.json")
    (folder / "notes.txt").write_text("not graded")
    texts = {name: text for name, text, *_ in HAND_INS}
    for name, text in (texts | {name: text for name, (text, _) in ANSWERS.items()}).items():
        if text is not None:
            (folder / name).write_text(text)
    sheet = tmp_path / "grades.csv"
    told = _graded(folder, "--levels", 2, "--csv", sheet, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    rows = _rows(sheet)
    assert [*rows["a good.py"]] == ["hand-in", "file", "class", "2", "held", "seconds", "told"]
    held = {name: (row["class"], row["2"], row["held"]) for name, row in rows.items()}
    assert held == {shown or name: row for name, _, shown, row, _ in HAND_INS}
    for name, _, shown, _, words in HAND_INS:
        assert words in rows[shown or name]["told"], name
    assert "\x1b" not in told.stdout + told.stderr
    assert "| a good.py |" in told.stdout
    assert r"| bar\\\|✓.py |" in told.stdout
    assert "| ![]&#40;x) &lt;img src=x>.py |" in told.stdout
    answered = {name: row["told"] for name, row in _rows(tmp_path / "grades-lessons.csv").items()}
    assert answered == {name: words for name, (_, words) in ANSWERS.items()}


def test_a_run_that_was_cut_off_goes_on_and_a_forged_row_is_judged_again(tmp_path: Path) -> None:
    folder, sheet, key = tmp_path / "in", tmp_path / "grades.csv", tmp_path / "key"
    folder.mkdir()
    key.write_text("a secret")
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_text("class Mine(:\n")
    _graded(folder, "--levels", 2, "--csv", sheet, "--key", key)
    first = sheet.read_text().splitlines()
    assert len(first) == 4
    forged = first[2].replace(",0,", ",1,", 1)
    assert forged != first[2]
    sheet.write_text("\n".join([*first[:2], forged]) + "\n")
    told = _graded(folder, "--levels", 2, "--csv", sheet, "--key", key)
    assert "1 of 3 hand-ins are in the sheet already" in told.stderr
    assert sorted(_rows(sheet)) == ["a.py", "b.py", "c.py"]
    assert ",1," not in sheet.read_text()
    other = _graded(folder, "--levels", "2-3", "--csv", sheet, "--key", key)
    assert other.returncode == 2
    assert "it has another table" in other.stderr


def test_a_hand_in_that_never_ends_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "forever.py"
    path.write_text(f"import time\n{GOOD}\ntime.sleep(1000)\n")
    leash = Leash()
    assert grade(path, ["--levels", "2"], 3.0, leash).told == "not done within 3 s"
    leash.end()


def test_a_machine_that_fails_has_a_row_too(tmp_path: Path) -> None:
    leash = Leash()
    leash.folder.rmdir()
    assert "could not be judged: FileNotFoundError" in grade(tmp_path, [], 3.0, leash).told
    leash.end()


@pytest.mark.parametrize(
    "line",
    ["time.sleep(1000)", "while True:\n    try: os.fork()\n    except OSError: pass"],
    ids=["sleeps", "forks"],
)
def test_a_file_that_is_never_read_to_its_end_costs_no_more_than_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(learners, "READ_IN", 2.0)
    path = tmp_path / "endless.py"
    path.write_text(f"import os, time\n{GOOD}\n{line}\n")
    with pytest.raises(CannotJudge, match="not read to the end within 2 s"):
        target_of(f"{path}:Mine")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_breaks_it_off_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(f"import time\n{GOOD}\ntime.sleep(1000)\n")
    command = [sys.executable, "-m", "demo_app", "judge", "--grade", tmp_path, "--at-once", "1"]
    grading = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    mine = psutil.Process(grading.pid)

    def started() -> list[psutil.Process]:
        return mine.children(recursive=True)

    host = "demo_app.judge.host"
    until(lambda: any(host in one.cmdline() for one in started()), 60.0, "a learner's process")
    all_of_it = started()
    grading.send_signal(number)
    grading.wait(60.0)
    _, alive = psutil.wait_procs(all_of_it, 30.0)
    assert not alive


def test_an_empty_folder_is_no_grade(tmp_path: Path) -> None:
    told = _graded(tmp_path)
    assert told.returncode == 2
    assert "no notebook, no .py file and no hand-in" in " ".join(told.stderr.split())
