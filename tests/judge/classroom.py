"""A class of thirty hand-ins, and how long it takes to grade it: good, broken, endless, hostile and
empty ones, each with what its row has to say.

``PYTHONPATH=.:tests python -m judge.classroom`` grades it, says how long it took at which load, and
ends with 1 if a row is wrong.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judge.broken import START, solution
from judge.mutants import MUTANTS, SOUND

#: A small queue that keeps what it promises up to level 2.
MINE = """
class Mine:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        {extra}self.redis.lpush("queue", job)

    def claim(self, worker):
        return self.redis.{pop}("queue")

    def ack(self, worker, job):
        pass
"""
#: What has to be in the row: signs by level, or words of what is told.
Row = dict[str, str] | str
_ALL = {str(level): "✓" for level in range(1, 13)}
_BROKEN = (
    "every third job is forgotten", "the queue expires after a minute", "a long text is cut",
    "in the order of their names", "one job at a time in the whole system", "nobody rescues",
    "the lease is 8 s long", "a job is rescued once it is 4 s old, also from the living",
    "two rescuers both give back what both have read", "poison is tried without end",
    "the outbox is in memory", "all mails have one id",
)  # fmt: skip
#: What a class does when its file is read, and its row.
_HOSTILE: dict[str, tuple[str, Row]] = {
    "kills who started it": ("import os\nos.kill(os.getppid(), 9)\n", _ALL),
    "removes every file": (
        "import pathlib\nfor one in pathlib.Path('/').glob('[!p]*/*'):\n"
        "    try: one.unlink()\n    except OSError: pass\n", _ALL),
    "prints without end": (
        "import threading\nthreading.Thread(target=lambda: [print('x' * 9999) "
        "for _ in iter(int, 1)], daemon=True).start()\n", {"1": "✓"}),
    "takes all memory": ("bytearray(1 << 40)\n", "MemoryError"),
    "starts processes without end": ("import os\nwhile True: os.fork()\n", "can't be loaded"),
}  # fmt: skip


def hand_ins() -> dict[str, tuple[str, Row]]:
    """File, its text, its row."""
    found: dict[str, tuple[str, Row]] = {
        "good/hana.py": (SOUND, _ALL),
        "good/ken.ipynb": (notebook("import this", SOUND, "judge(MyQueue, levels=12)"), _ALL),
        "good/mei_123/queue.py": (SOUND.replace("MyQueue", "Mine"), _ALL),
    }
    for path in (Path(__file__).parent / "sound").glob("*.py"):
        own = {"10": "–", "11": "–"} if "sqlite" in path.stem else {"11": "✗"}
        found[f"good/{path.name}"] = path.read_text("utf-8"), _ALL | own
    for level in (0, 4, 8):
        file = solution(level) if level else START
        row = {str(n): "✓" for n in range(1, level + 1)} | {str(level + 1): "✗"}
        found[f"on the way/{level}.py"] = file.read_text("utf-8"), row
    for mutant in MUTANTS:
        if mutant.what in _BROKEN:
            found[f"broken/{mutant.what}.py"] = mutant.source(), {str(mutant.level): "✗"}
    for what, (code, row) in _HOSTILE.items():
        found[f"hostile/{what}.py"] = SOUND + code, row
    body = SOUND.replace("        held =", "        while True: pass\n        held =")
    found["endless/when read.py"] = f"{SOUND}import time\ntime.sleep(9999)\n", "not read to the end"
    found["endless/claim.py"] = body, {"1": "✗"}
    found["empty/nothing.py"] = "", "no class with put, claim and ack"
    return found


def notebook(*cells: str) -> str:
    """A notebook with these cells of code."""
    return json.dumps({"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]})


def main() -> int:
    """Grade it; see the module."""
    wanted = hand_ins()
    with tempfile.TemporaryDirectory(prefix="class-") as name:
        folder, sheet = Path(name) / "in", Path(name) / "grades.csv"
        for file, (text, _) in wanted.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, "utf-8")
        began = time.monotonic()
        command = [sys.executable, "-m", "demo_app", "judge", "--grade", folder, "--csv", sheet]
        subprocess.run([*command, *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
        minutes = (time.monotonic() - began) / 60
        rows = {row["hand-in"]: row for row in csv.DictReader(sheet.read_text().splitlines())}
    wrong = [file for file, (_, row) in wanted.items() if not _is(rows.get(file, {}), row)]
    for file in wrong:
        print(f"{file}: {' '.join(rows.get(file, {}).values())}")
    print(f"{len(rows) - len(wrong)} of {len(wanted)} rows are right, after {minutes:.1f} minutes; "
          f"the load was {os.getloadavg()[2]:.0f} in the last 15.")  # fmt: skip
    return bool(wrong)


def _is(found: dict[str, str], row: Row) -> bool:
    told = found.get("told", "")
    return row in told if isinstance(row, str) else all(found.get(n) == s for n, s in row.items())


if __name__ == "__main__":
    sys.exit(main())
