"""``python -m chaos.safeguards``: leaves out each safeguard in turn, in a copy of the tree,
and runs campaigns there, which have to find out.

Exit status 0 if every campaign finds it, 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generated import put

REPOSITORY = Path(__file__).parent.parent.parent
LIST = Path(__file__).parent / "safeguards.toml"
#: Seconds after which a campaign that does not end has found nothing.
PATIENCE = 1200


@dataclass(frozen=True, slots=True)
class Safeguard:
    """One that can be left out: by its name (without), or by a change of the tree."""

    what: str
    without: str = ""
    file: str = ""
    old: str = ""
    new: str = ""

    def leave_out(self, tree: Path) -> None:
        """Change the tree. Raises ValueError when the line to be changed is not there once."""
        if not self.file:
            return
        file = tree / self.file
        text = file.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: {self.file} has {text.count(self.old)} of {self.old!r}")
        file.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Found:
    """What one campaign found. faults: so many had happened by then. how: what was broken."""

    faults: int
    how: str

    def __str__(self) -> str:
        return f"after {self.faults}: {self.how}" if self.how else f"not found in {self.faults}"


def safeguards() -> list[Safeguard]:
    """The list."""
    return [Safeguard(**one) for one in tomllib.loads(LIST.read_text())["safeguard"]]


def copy_tree(folder: Path) -> Path:
    """Copy what git knows of the tree, as it is now, into the folder; returns it."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=REPOSITORY, text=True)
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name, follow_symlinks=False)
    return folder


def campaign(safeguard: Safeguard, faults: int, every: int) -> Found:
    """One campaign without the safeguard, which ends as soon as something is broken."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        tree = copy_tree(Path(name))
        safeguard.leave_out(tree)
        counts = ["--faults", str(faults), "--every", str(every), "--patience", "12"]
        without = ["--without", safeguard.without] if safeguard.without else []
        command = [sys.executable, "-m", "chaos", "--json", *counts, *without]
        environment = {**os.environ, "PYTHONPATH": f"{tree}:{tree / 'tests'}"}
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    if not done.stdout:
        raise RuntimeError(f"the campaign did not end: {done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return Found(
        result["faults"], "" if result["held"] else ", ".join(_broken(result)) or "not held"
    )


def _broken(result: dict[str, Any]) -> Iterator[str]:
    for how, what in result["broken"].items():
        yield f"{len(what)} {how}"
    if not result["conserved"]:
        yield "the sum is wrong"


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="make safeguards", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="those with this in their name [repeatable]"
    )
    parser.add_argument("--campaigns", type=int, default=5, help="for each (5)")
    parser.add_argument("--faults", type=int, default=100, help="of each campaign, at most (100)")
    parser.add_argument("--every", type=int, default=34, help="count after so many (34)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table into it too")
    parser.add_argument("--jobs", type=int, default=2, help="campaigns at once (2)")
    return parser.parse_args()


def main() -> int:
    """Run them, and print a table in Markdown; what becomes of each goes to standard error."""
    asked = options()
    chosen = [one for one in safeguards() if any(text in one.what for text in asked.only or [""])]
    began = time.monotonic()

    def one(safeguard: Safeguard) -> Found:
        try:
            found = campaign(safeguard, asked.faults, asked.every)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
            found = Found(0, "")
        minutes = (time.monotonic() - began) / 60
        print(f"{minutes:5.1f} min  {safeguard.what}: {found}", file=sys.stderr, flush=True)
        return found

    with ThreadPoolExecutor(asked.jobs) as pool:
        rounds = [[pool.submit(one, each) for each in chosen] for _ in range(asked.campaigns)]
        found = [[future.result() for future in futures] for futures in rounds]
    made = table(chosen, found)
    print(made)
    if asked.page:
        asked.page.write_text(put(asked.page, "safeguards", made), "utf-8")
    return 0 if all(each.how for futures in found for each in futures) else 1


def table(chosen: list[Safeguard], found: list[list[Found]]) -> str:
    """A row for each safeguard, as Markdown. found: a list for each round."""
    lines = ["| left out | found | after so many faults | as |", "| --- | ---: | ---: | --- |"]
    for number, safeguard in enumerate(chosen):
        mine = [each[number] for each in found]
        caught = [each for each in mine if each.how]
        after = ", ".join(str(each.faults) for each in caught)
        how = caught[0].how if caught else "nothing"
        lines.append(f"| {safeguard.what} | {len(caught)} of {len(mine)} | {after} | {how} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
