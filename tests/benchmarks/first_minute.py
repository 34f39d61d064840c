"""A newcomer's first minute: `make demo`, until the story begins and until it has ended; and what
`make lab` installs, until the first cell of a lesson has an output. Each is a clone of its own.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.table import Table

ROOT = Path(__file__).parent.parent.parent
#: Runs a lesson as far as its first cell of code.
_FIRST_CELL = """
import nbclient, nbformat
lesson = nbformat.read("00_start_here.ipynb", as_version=4)
first = next(n for n, cell in enumerate(lesson.cells) if cell.cell_type == "code")
del lesson.cells[first + 1:]
nbclient.NotebookClient(lesson).execute()
assert lesson.cells[first].outputs
"""


def run() -> list[Table]:
    """One table: seconds, with nothing in pip's cache, and with everything."""
    columns = ["pip's cache", "the story begins", "it has ended, with its picture"]
    columns += ["the lab is installed", "and its first cell has an output"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rows = [
            [cache, *(f"{seconds:.0f}" for seconds in (*_demo(where), *_lab(where)))]
            for cache, where in (
                ("empty", Path(folder) / "first"),
                ("full", Path(folder) / "again"),
            )
        ]
    return [Table("The first minute, in seconds", columns, rows)]


def _clone(tree: Path) -> tuple[Path, dict[str, str]]:
    """A new clone, and the environment of who has just made it; its cache is the folder's."""
    subprocess.run(["git", "clone", "--quiet", ROOT, tree], check=True)
    left_out = ("PYTHONPATH", "MAKEFLAGS", "VIRTUAL_ENV")
    own = {name: value for name, value in os.environ.items() if name not in left_out}
    cache = str(tree.parent / f"cache-{tree.name.rpartition('-')[2]}")
    return tree, {**own, "PIP_CACHE_DIR": cache, "PYTHONUNBUFFERED": "1"}


def _demo(where: Path) -> list[float]:
    tree, own = _clone(where.with_name(f"{where.name}-demo"))
    began, quiet = time.monotonic(), subprocess.DEVNULL
    demo = subprocess.Popen(
        ["make", "demo"], cwd=tree, env=own, text=True, stdout=subprocess.PIPE, stderr=quiet
    )
    assert demo.stdout is not None
    begins = next(time.monotonic() for line in demo.stdout if line.startswith("Starting"))
    demo.communicate()
    assert demo.returncode == 0
    return [begins - began, time.monotonic() - began]


def _lab(where: Path) -> list[float]:
    tree, own = _clone(where.with_name(f"{where.name}-lab"))
    began = time.monotonic()
    subprocess.run(["make", "--silent", ".venv/.has-lab"], cwd=tree, env=own, check=True)
    installed = time.monotonic()
    python = tree / ".venv" / "bin" / "python"
    subprocess.run([python, "-c", _FIRST_CELL], cwd=tree / "notebooks", env=own, check=True)
    return [installed - began, time.monotonic() - installed]
