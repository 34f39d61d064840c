"""``python -m mutants``: makes each change of changes.toml in a copy, and runs its tests there.

Exit status 0 if the tests find every change, 1 if one survives, 2 if a test fails without any.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
LIST = Path(__file__).parent / "changes.toml"
#: Seconds after which tests that hang count as failed: the change was found.
PATIENCE = 600


@dataclass(frozen=True, slots=True)
class Change:
    """One mistake: in this file, `new` in place of `old`. tests: who should find it."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def made_in(self, text: str) -> str:
        """The file's text with the mistake; raises ValueError unless `old` is there, once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: {self.file} has {text.count(self.old)} of {self.old!r}")
        return text.replace(self.old, self.new)


def changes() -> list[Change]:
    """The list."""
    table = tomllib.loads(LIST.read_text())
    return [Change(**{**one, "tests": tuple(one["tests"])}) for one in table["change"]]


def is_found(change: Change) -> bool:
    """Whether a test fails with the change."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        tree = copy_tree(Path(name))
        file = tree / change.file
        file.write_text(change.made_in(file.read_text()))
        return bool(failure(tree, change.tests))


def failure(tree: Path, tests: Sequence[str]) -> str:
    """How the tests fail in a tree; "" when they pass."""
    path = os.pathsep.join(str(tree / part) for part in (".", "notebooks", "tests"))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"no end within {PATIENCE} s"
    if run.returncode not in (0, 1):
        raise RuntimeError(f"pytest could not run {' '.join(tests)}: {run.stdout[-2000:]}")
    return run.stdout[-3000:] if run.returncode else ""


def copy_tree(folder: Path) -> Path:
    """Copy what git knows of the tree, as it is now, into the folder; returns it."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=REPOSITORY, text=True)
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name, follow_symlinks=False)
    return folder


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the changes, and run nothing")
    parser.add_argument("--only", default="", metavar="TEXT", help="those with this in their name")
    parser.add_argument("--jobs", type=int, default=2, help="so many at once (2)")
    return parser.parse_args()


def main() -> int:
    """Run them, and say what became of each."""
    asked = options()
    chosen = [change for change in changes() if asked.only in change.what]
    if asked.list:
        print("\n".join(change.what for change in chosen))
        return 0
    tests = sorted({test for change in chosen for test in change.tests})
    if said := failure(REPOSITORY, tests):
        print(f"The tests fail without any change:\n{said}")
        return 2
    survived = 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for change, found in zip(chosen, pool.map(is_found, chosen), strict=True):
            survived += not found
            print(f"{'found   ' if found else 'SURVIVED'}  {change.what}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} changes were found")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
