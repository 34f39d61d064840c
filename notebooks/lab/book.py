"""The lessons as pages to read offline: run each, and write it with its outputs as HTML.

``python -m lab.book ../build/book`` in the folder ``notebooks``; ``--only 00 04`` for some of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from lab.book_page import index_page, lesson_page

FOLDER = Path(__file__).resolve().parents[1]


def run_lesson(path: Path) -> Any:
    """Run a notebook in a kernel of its own; returns it with its outputs.

    Raises CellExecutionError, with what the cell said, when one fails.
    """
    notebook = _read(path)
    where = {"metadata": {"path": str(FOLDER)}}
    quiet = ["--log-level=ERROR"]  # else each kernel warns of what no lesson is about
    NotebookClient(notebook, timeout=300, resources=where, extra_arguments=quiet).execute()
    return notebook


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def page(notebook: Any, name: str, titles: Mapping[str, str] | None = None) -> str:
    """The notebook as one HTML page that needs nothing from anywhere else.

    titles: those of all pages of the book, by their names, in their order.
    """
    return lesson_page(notebook, _title(notebook), titles or {}, name)


def _title(notebook: Any) -> str:
    return str(notebook.cells[0].source.splitlines()[0]).lstrip("# ")


def write(folder: Path, only: list[str], at_once: int = 2) -> list[Path]:
    """Run the lessons, so many side by side, and write the pages; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [p for p in sorted(FOLDER.glob("[0-9]*.ipynb")) if not only or p.stem[:2] in only]
    lessons = {path.stem: _read(path) for path in paths}
    titles = {name: _title(lesson) for name, lesson in lessons.items()}

    def one(path: Path) -> Path:
        target = folder / f"{path.stem}.html"
        target.write_text(page(run_lesson(path), path.stem, titles), "utf-8")
        print(target, flush=True)
        return target

    with ThreadPoolExecutor(at_once) as pool:
        made = list(pool.map(one, paths))
    index = folder / "index.html"
    index.write_text(index_page(lessons, titles), "utf-8")
    return [index, *made]


def main() -> int:
    """Write the book; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab.book", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NN")
    given = parser.parse_args()
    print(f"The book: {write(given.folder, given.only)[0].resolve().as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
