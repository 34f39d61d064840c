"""The site to read offline: the lessons with their outputs, the challenges and the reference.

``python -m lab.book ../build/book`` in the folder ``notebooks``; ``--only 00 04`` runs some of the
lessons, and shows the others as they were run before. What a run showed is kept beside the site, in
``lessons``. Sphinx makes the pages, as ``book/conf.py`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from rich.progress import Progress

FOLDER = Path(__file__).resolve().parents[1]


def run(path: Path, bars: Progress | None = None) -> Any:
    """Run a lesson in a kernel of its own, in its folder, which says in what language its cells
    speak; returns it with its outputs. bars: where it shows how far it is.

    An error says of which lesson it is, and of which cell.
    """
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    at, name = 0, f"{path.parent.name}/{path.stem}"
    bar = bars.add_task(name, total=len(notebook.cells)) if bars else None

    def begin(cell: object, cell_index: int) -> None:
        nonlocal at
        at = cell_index + 1
        if bars and bar is not None:
            bars.update(bar, completed=at)

    where = {"metadata": {"path": str(path.parent)}}
    quiet = ["--log-level=ERROR"]  # or each kernel prints warnings that no lesson is about
    client = NotebookClient(
        notebook, timeout=300, resources=where, extra_arguments=quiet, on_cell_start=begin
    )
    try:
        return client.execute()
    except Exception as error:
        error.add_note(f"That was lesson {name}, cell {at}.")
        raise


def run_all(kept: Path, only: Sequence[str] = (), at_once: int = 2) -> None:
    """Run the lessons of both languages, so many side by side, and write them with their outputs
    into the folder kept. only: their numbers, such as "04"; empty for all."""
    paths = [*sorted(FOLDER.glob("[0-9]*.ipynb")), *sorted(FOLDER.glob("ja/[0-9]*.ipynb"))]
    (kept / "ja").mkdir(parents=True, exist_ok=True)
    with Progress() as bars, ThreadPoolExecutor(at_once) as pool:

        def one(path: Path) -> None:
            nbformat.write(run(path, bars), kept / path.relative_to(FOLDER))  # type: ignore[no-untyped-call]

        list(pool.map(one, [path for path in paths if not only or path.stem[:2] in only]))


def write(target: Path, kept: Path, tree: Path = FOLDER.parent) -> int:
    """Write the site. kept: where the lessons that were run are. tree: where all pages are.

    Returns the exit status, which is 1 if Sphinx warned, of a broken link for example.
    """
    from sphinx.cmd.build import build_main  # here, or slides would need Sphinx too

    with TemporaryDirectory() as work:
        options = ["-W", "--keep-going", "-d", work, "-D", f"kept={kept}"]
        conf = ["--conf-dir", str(FOLDER / "book")]
        status = build_main([*options, *conf, str(tree), str(target)])
    copy(target / "README.html", target / "index.html")
    return status


def main() -> int:
    """Run the lessons and write the site; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab.book", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NN")
    given = parser.parse_args()
    target = given.folder.resolve()
    run_all(target.parent / "lessons", given.only)
    status = write(target, target.parent / "lessons")
    print(f"The book: {(target / 'index.html').as_uri()}")
    return status


if __name__ == "__main__":
    sys.exit(main())
