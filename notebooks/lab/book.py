"""The lessons as pages to read offline: run each, and write it with its outputs as HTML.

``python -m lab.book ../build/book`` in the folder ``notebooks``; ``--only 00 04`` for some of them.
The template is in the folder ``book``; the pages of the folder ``reference`` follow the lessons.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook

FOLDER = Path(__file__).resolve().parents[1]
_INTRODUCTION = """# Jobs that survive: the lessons

A reader comments on a blog, and the author gets a mail: later, from a queue, even if something
crashes meanwhile. In each lesson you predict, break the running system, and see. The lessons build
on each other; begin with the first.

Every lesson was run when these pages were made. Every figure and every number comes from that run.
To run the lessons yourself, and to predict before you look: `make lab`.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A page of the book. name: its file's name without ``.html``. runs: whether its cells are run
    before it is written."""

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
    quiet = ["--log-level=ERROR"]  # or each kernel prints warnings that no lesson is about
    client = NotebookClient(page.notebook, timeout=300, resources=where, extra_arguments=quiet)
    client.execute()


def html(page: Page, pages: Sequence[Page]) -> str:
    """The page as HTML that needs nothing from anywhere else. pages: the book's, in order."""
    names = {other.name[:2]: other.name for other in pages if other.runs}

    def link(number: re.Match[str]) -> str:
        name = names.get(number[0], page.name)
        return number[0] if name == page.name else f"[{number[0]}]({name}.html)"

    for cell in page.notebook.cells:
        if cell.cell_type == "markdown":  # a lesson that the text names becomes a link
            named = r"\b[Ll]essons? \d\d(?:(?:,| and) \d\d)*"
            cell.source = re.sub(named, lambda found: re.sub(r"\d\d", link, found[0]), cell.source)
    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="book", extra_template_basedirs=[str(FOLDER)]
    )
    beside: dict[str, Any] = {}
    if page in pages:
        at = pages.index(page)
        beside = {"before": pages[max(0, at - 1) : at], "after": pages[at + 1 : at + 2]}
    body, _ = exporter.from_notebook_node(page.notebook, {"title": page.title, **beside})
    return re.sub(r"<script.*?</script>", "", str(body), flags=re.S)  # a page to read needs none


def write(folder: Path, only: Sequence[str] = (), at_once: int = 2) -> list[Path]:
    """Run the lessons, so many side by side, and write the pages; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = [FOLDER / "words.md", *sorted((FOLDER / "reference").glob("*.md"))]
    pages = [
        *lessons(only),
        *(text_page(path.stem, path.read_text("utf-8")) for path in texts),
    ]

    def one(page: Page) -> Path:
        if page.runs:
            run(page)
        target = folder / f"{page.name}.html"
        target.write_text(html(page, pages), "utf-8")
        print(target, flush=True)
        return target

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, [index(pages), *pages]))


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
