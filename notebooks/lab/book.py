"""The site to read offline: the lessons with their outputs, the challenges and the reference.

``python -m lab.book ../build/book`` in the folder ``notebooks``; ``--only 00 04`` runs some of the
lessons, and shows the others as they were run before. What a run showed is kept beside the site, in
``lessons``. Sphinx makes the pages, as ``book/conf.py`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from rich.progress import Progress
from sphinx.cmd.build import build_main

FOLDER = Path(__file__).resolve().parents[1]


def run(name: str, notebook: Any, each: Callable[[], object] = lambda: None) -> None:
    """Run a lesson in a kernel of its own; its outputs stay in the notebook.

<<<<<<< HEAD
    name: str
    notebook: Any
    runs: bool = False

    @property
    def title(self) -> str:
        """The page's first line."""
        return str(self.notebook.cells[0].source.splitlines()[0]).lstrip("# ")


def lessons(only: Sequence[str] = ()) -> list[Page]:
    """The lessons in order. only: their numbers, such as "04"; empty for all."""
    paths = sorted(FOLDER.glob("[0-9]*.ipynb"))
    return [
        Page(path.stem, nbformat.read(path, as_version=4), runs=True)  # type: ignore[no-untyped-call]
        for path in paths
        if not only or path.stem[:2] in only
    ]


def text_page(name: str, markdown: str) -> Page:
    """A page without code."""
    return Page(name, new_notebook(cells=[new_markdown_cell(markdown)]))  # type: ignore[no-untyped-call]


def index(pages: Sequence[Page]) -> Page:
    """The page that leads to the others."""
    items = []
    for page in pages:
        items.append(f"- [{page.title}]({page.name}.html)")
        if page.runs:
            first = page.notebook.cells[0].source
            minutes = re.search(r"about \d+ minutes", first)
            items[-1] += f" · {minutes[0] if minutes else ''}\n\n  {first.split(chr(10) * 2)[1]}\n"
    return text_page("index", "\n".join([_INTRODUCTION, *items]))


def run(page: Page, folder: Path = FOLDER) -> None:
    """Run the page's cells in a kernel of its own; their outputs stay in its notebook.

    folder: the notebook's, which says in what language its cells speak. Raises
    CellExecutionError, with what the cell said, when one fails.
    """
    where = {"metadata": {"path": str(folder)}}
=======
    each: called before each cell. An error says of which lesson it is, and of which cell.
    """
    at = 0

    def begin(cell: object, cell_index: int) -> None:
        nonlocal at
        at = cell_index + 1
        each()

    where = {"metadata": {"path": str(FOLDER)}}
>>>>>>> 0456961 (The book is a site: Sphinx makes it of lessons, challenges and reference, in two languages, with search)
    quiet = ["--log-level=ERROR"]  # or each kernel prints warnings that no lesson is about
    client = NotebookClient(
        notebook, timeout=300, resources=where, extra_arguments=quiet, on_cell_start=begin
    )
    try:
        client.execute()
    except Exception as error:
        error.add_note(f"That was lesson {name}, cell {at}.")
        raise


def run_all(kept: Path, only: Sequence[str] = (), at_once: int = 2) -> None:
    """Run the lessons, so many side by side, and write them with their outputs into the folder
    kept. only: their numbers, such as "04"; empty for all."""
    kept.mkdir(parents=True, exist_ok=True)
    with Progress() as bars, ThreadPoolExecutor(at_once) as pool:

        def one(path: Path) -> None:
            notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
            bar = bars.add_task(path.stem, total=len(notebook.cells))
            run(path.stem, notebook, lambda: bars.advance(bar))
            bars.update(bar, completed=len(notebook.cells))
            nbformat.write(notebook, kept / path.name)  # type: ignore[no-untyped-call]

        paths = sorted(FOLDER.glob("[0-9]*.ipynb"))
        list(pool.map(one, [path for path in paths if not only or path.stem[:2] in only]))


def write(target: Path, kept: Path, tree: Path = FOLDER.parent) -> int:
    """Write the site. kept: where the lessons that were run are. tree: where all pages are.

    Returns the exit status, which is 1 if Sphinx warned, of a broken link for example.
    """
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
