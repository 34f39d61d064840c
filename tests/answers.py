"""The contents of the answer pages, from the results of the judge and the tests.

``python tests/answers.py`` runs the test of each GitHub issue in `THREADS`, with stock Celery and
with claims, and writes the results into threads.csv. `generated` writes the pages.
"""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "notebooks" / "reference"
PAGES = REFERENCE / "answers"
TESTS = "tests/broker/test_known_losses.py"
#: Open GitHub issues about Celery on Redis: the repository and number, and the title.
THREADS = {
    "celery/celery#8568": "Don't list redis as stable backend and/or link to issues/caveats",
    "celery/kombu#305": "Tasks lost in redis",
    "celery/kombu#337": "Redis transport causes multiple Celery job runs if eta exceeds "
    "visibility timeout",
    "celery/kombu#533": "ETA tasks lost on worker TERM restart",
}
#: For some libraries: when a killed worker's job runs again, if ever (Markdown).
LATER = {
    "celery": "Celery gives a killed worker's job back after its visibility timeout, "
    "[an hour](late.md).",
    "rq": "A later run, with the defaults and a second worker: RQ 3.0.0 gave the job of a killed "
    "worker, enqueued with `Retry`, back after 13.6 minutes. A worker "
    "[cleans up](https://redis.io/docs/latest/integrate/rq/) every ten minutes "
    "(`maintenance_interval`), and gives back a job whose worker has been silent for 90 seconds.",
    "dramatiq": "A later run, with the defaults and a second, idle worker: Dramatiq 2.2.1 gave a "
    "killed worker's message back after 7.3 minutes. A worker counts as dead after 60 seconds "
    "(`heartbeat_timeout`), and one [command](https://redis.io/docs/latest/integrate/dramatiq/) in "
    "a thousand looks for dead workers (`maintenance_chance`).",
    "huey": "[Huey](https://huey.readthedocs.io/en/latest/consumer.html#consumer-shutdown) "
    "never gives a killed worker's job back: the job is removed from its list before it runs.",
}


def sheet(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def signs(name: str) -> str:
    """Return the judge's results in a CSV file as a Markdown table.

    The table has a row for each target and a column for each level that the first target has.
    """
    from demo_app.markdown import table

    rows = sheet(name)
    shown = ["target", *(level for level in rows[0] if level.isdigit() and rows[0][level])]
    cells = [[row[one].rpartition(":")[2] for one in shown] for row in rows]
    return table(["queue", *shown[1:]], cells, ["---", *(":---:" for _ in shown[1:])])


def queues() -> str:
    kept = "All twelve levels hold."
    sections = ([f"## {row['target']}", found(row, "✗") if row["why"] else kept,
              LATER.get(row["target"], "")] for row in sheet("judge.csv"))  # fmt: skip
    return "\n\n".join(part for section in sections for part in section if part)


def setting(name: str) -> str:
    """Return a Markdown table, by level, of the judge's findings on an app of `celery_settings`."""
    (row,) = (row for row in sheet("settings.csv") if row["target"].endswith(f":{name}"))
    return found(row)


def found(row: dict[str, str], signs: str = "✓✗–") -> str:
    """Return a Markdown table of the levels whose mark is in `signs`, with the findings."""
    from demo_app.judge.levels import LEVELS
    from demo_app.markdown import plain, table

    output = dict(re.findall(r"level (\d+): (.*?)(?=; level |$)", plain(row["why"])))
    levels = [
        [number, LEVELS[int(number)].name, row[number], output.get(number, "")]
        for number in row
        if number.isdigit() and row[number] and row[number] in signs
    ]
    head = ["level", "promise", "kept", "what happened"]
    return table(head, levels, ["---:", "---", ":---:", "---"])


def thread(name: str) -> str:
    (row,) = (row for row in sheet("threads.csv") if row["thread"] == name)
    link = f"[{name}: {THREADS[name]}](https://github.com/{name.replace('#', '/issues/')})"
    command = f".venv/bin/python -m pytest {TESTS} -k {row['test']}"
    ended = f"The test of this issue {row['stock']} on stock Celery and {row['claims']} on claims"
    return f"{link}\n\n{ended}. `{command}`, {row['how']}"


#: For each answer page: the names of its generated parts, and the functions that return their text.
BLOCKS: dict[str, dict[str, Callable[[], str]]] = {
    "lost": {
        "tutorial": partial(setting, "tutorial"),
        "8568": partial(thread, "celery/celery#8568"),
        "305": partial(thread, "celery/kombu#305"),
    },
    "twice": {
        "timeout": partial(setting, "visibility_timeout_5"),
        "337": partial(thread, "celery/kombu#337"),
    },
    "late": {"advised": partial(setting, "acks_late"), "533": partial(thread, "celery/kombu#533")},
    "settings": {"settings": partial(signs, "settings.csv")},
    "queues": {"queues": queues},
}


def run_threads() -> None:
    known, rows = (ROOT / TESTS).read_text("utf-8"), []
    for name in THREADS:
        found = re.search(rf"{name}\b.*\)\s+def (test_\w+)", known)
        assert found, f"no test is marked with {name}"
        command = [sys.executable, "-m", "pytest", "-n0", "-vrxXfEs", TESTS, "-k", found[1]]
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
        ended = dict(re.findall(rf"{found[1]}\[(\w+)\] (PASSED|XFAIL|FAILED|XPASS)", output))
        words = {"PASSED": "passes", "XFAIL": "fails"}
        versions = ", ".join(f"{package} {version(package)}" for package in ("celery", "kombu"))
        rows.append([name, found[1], *(words[ended[on]] for on in ("stock", "claims")),
                     f"{date.today()}; {versions}"])  # fmt: skip
    with (REFERENCE / "threads.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["thread", "test", "stock", "claims", "how"], *rows])


if __name__ == "__main__":
    run_threads()
