"""The machines of a class: what ``doctor --json`` says of each, as one table."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from demo_app.markdown import plain, table
from local_smtp.escape import one_line

#: How each line begins.
_BEGIN = '{"machine"'


def line(found: Sequence[tuple[str, str, bool]]) -> str:
    """This machine in one line. found: each check's name, what it found, and whether it is well."""
    checks = [{"name": name, "found": what, "well": well} for name, what, well in found]
    system = f"{platform.system()} {platform.machine()}"
    return json.dumps({"machine": platform.node(), "system": system, "checks": checks})


def show(folder: Path) -> int:
    """Print a row for each line in the folder's files; returns 0 if every machine is well."""
    machines = [_row(path.name, text) for path, text in _lines(folder)]
    if not machines:
        print(f"There is no line of `doctor --json` in {folder}.")
        return 1
    print(table(["file", "machine", "system", "verdict", "the first problem"], machines))
    well = sum(machine[3] == "ok" for machine in machines)
    print(f"\n{well} of {len(machines)} machines are well.")
    return 0 if well == len(machines) else 1


def _lines(folder: Path) -> Iterator[tuple[Path, str]]:
    """What was pasted, in each file: a chat that was saved has names before it, and other lines."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            pasted = [_BEGIN + rest for rest in text.split(_BEGIN)[1:]]
            yield from ((path, one) for one in pasted or [""] * (path.suffix == ".json"))


def _row(file: str, text: str) -> list[str]:
    try:
        machine, _ = json.JSONDecoder().raw_decode(text)
        bad = [f"{one['name']}: {one['found']}" for one in machine["checks"] if not one["well"]]
        cells = [file, machine["machine"], machine["system"], "FAIL" if bad else "ok", *bad[:1]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        cells = [file, "", "", "FAIL", f"it is no line of `doctor --json`: {type(error).__name__}"]
    return [plain(one_line(cell)) for cell in (*cells, "")[:5]]
