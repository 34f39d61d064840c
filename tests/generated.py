"""Tables in README and the reference that are made from the code: ``python tests/generated.py``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: The path of one comment, in reading order: a file, and what happens in it.
WALK: list[tuple[str, str]] = [
    ("demo_app/web/comments.py", "a comment and its job are written down in one transaction"),
    ("demo_app/blog/outbox.py", "the job is kept beside the comment until it is done"),
    ("demo_app/blog/relay.py", "hands it over to the queue, as soon as that can be reached"),
    ("demo_app/backends/celery.py", "makes a Celery message of the job"),
    ("demo_app/broker/keys.py", "what is in Redis, and what each key is called"),
    (
        "demo_app/broker/scripts/enqueue.lua",
        "into the queue, in one atomic step",
    ),
    ("demo_app/broker/consuming.py", "a worker asks for its next job"),
    ("demo_app/broker/scripts/claim.lua", "the job moves from the queue to the worker's claims"),
    ("demo_app/broker/scripts/_claims.lua", "the step itself, which other scripts share"),
    ("demo_app/broker/in_flight.py", "what this worker holds, and how each claim is to end"),
    ("demo_app/worker/run.py", "Celery runs the job; how it ended goes into the acknowledgement"),
    ("demo_app/tasks.py", "the job: mail the post's author"),
    ("demo_app/mail/delivery.py", "one SMTP dialogue; is it still ours to send?"),
    ("demo_app/broker/scripts/finish.lua", "the acknowledgement, with the number of the claim"),
    ("demo_app/broker/lease.py", "a worker is alive as long as it renews its lease"),
    ("demo_app/broker/heartbeat.py", "twice a second: renew, and look after everybody's jobs"),
    ("demo_app/broker/scripts/rescue.lua", "what a dead worker held goes back to the queue's head"),
]


def walk() -> str:
    """The guided walk, each file with its length in lines."""
    rows = ["| | file | what happens | lines |", "| ---: | --- | --- | ---: |"]
    total = 0
    for number, (name, what) in enumerate(WALK, 1):
        length = len((ROOT / name).read_text("utf-8").splitlines())
        total += length
        rows.append(f"| {number} | [{name}]({name}) | {what} | {length} |")
    rows.append(f"| | | **{len(WALK)} files** | **{total:,}** |")
    return "\n".join(rows)


def settings() -> str:
    """Every setting of the demo app: its variable, what it sets, its default."""
    from demo_app.settings import Settings

    rows = ["| variable | what it sets | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, tuple | frozenset):
            default = ",".join(map(str, default))
        told = field.description or ""
        rows.append(f"| `DEMO_{name.upper()}` | {told} | {f'`{default}`' if default else ''} |")
    return "\n".join(rows)


def judged() -> str:
    """What the judge's page says of each queue that people use, in short."""
    from demo_app.judge.table import columns
    from demo_app.markdown import table

    page = (ROOT / "notebooks" / "reference" / "judge.md").read_text("utf-8")
    queues = columns(page)
    levels = {row for cells in queues.values() for row in cells if row[0].isdigit()}
    others = [row for row in next(iter(queues.values())) if row not in levels]
    rows = []
    for queue, cells in queues.items():
        held = sum(cells[row].startswith("holds") for row in levels)
        rows.append([queue, f"{held} of {len(levels)}", *(cells[row] for row in others)])
    how = next(text for text in page.splitlines() if "To repeat it" in text)
    head = ["queue", "levels that hold", *others]
    return "\n".join([table(head, rows, ["---", *("---:" for _ in head[1:])]), "", how])


#: Where each table is.
TABLES = {
    "walk": (ROOT / "README.md", walk),
    "judge": (ROOT / "README.md", judged),
    "settings": (ROOT / "notebooks" / "reference" / "reference.md", settings),
}


def rewritten(name: str) -> str:
    """The text of the file with the table `name` as it should be.

    Raises LookupError when the file has no place for it.
    """
    path, make = TABLES[name]
    return put(path, name, make())


def put(path: Path, name: str, table: str) -> str:
    """The text of the file with this table between the marks of that name.

    Raises LookupError when the file has no place for it.
    """
    place = re.compile(rf"(<!-- {name}\b[^>]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    text, count = place.subn(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", path.read_text())
    if not count:
        raise LookupError(f"{path.name} has no place for the table {name}")
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for table, (file, _) in TABLES.items():
        file.write_text(rewritten(table), "utf-8")
