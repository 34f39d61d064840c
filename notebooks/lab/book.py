"""The lessons as pages to read offline: run each, and write it with its outputs as HTML.

``python -m lab.book ../build/book`` in the folder ``notebooks``; ``--only 00 04`` for some of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from lab.show import Table
from lab.words import words

FOLDER = Path(__file__).resolve().parents[1]
_STYLE = (
    "<style>:root{color-scheme:light}body{font-family:sans-serif;line-height:1.5;max-width:46rem;"
    "margin:2rem auto;padding:0 1rem;color:#1c2429;background:#fff}a{color:#0072b2}"
    "li{margin:.6rem 0}</style>"
)


def run_lesson(path: Path) -> Any:
    """Run a notebook in a kernel of its own; returns it with its outputs.

    Raises CellExecutionError, with what the cell said, when one fails.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    where = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=300, resources=where).execute()
    return notebook


def page(notebook: Any, name: str) -> str:
    """The notebook as one HTML page that needs nothing from anywhere else."""
    exporter: Any = HTMLExporter()  # type: ignore[no-untyped-call]
    html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    html = re.sub(r"<script.*?</script>", "", html, flags=re.S)  # a page to read needs none
    back = '<p style="margin:1rem 5rem"><a href="index.html">All lessons</a></p>'
    return re.sub(r"(<body[^>]*>)", rf"\1{back}", html, count=1)


def index(titles: dict[str, str]) -> str:
    """The page that leads to the others. titles: by the lesson's name."""
    items = [
        f'<li><a href="{escape(name)}.html">{escape(title)}</a></li>'
        for name, title in titles.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The lessons</title>'
        f'<meta name="viewport" content="width=device-width">{_STYLE}</head><body>'
        "<h1>Jobs that survive: the lessons</h1><p>Each was run when these pages were made; every "
        "figure is of that run. To run them yourself: <code>make lab</code>.</p>"
        f"<ul>{''.join(items)}</ul>"
        f'<h2 id="words">Words</h2>{_glossary()._html()}</body></html>'
    )


def _glossary() -> Table:
    rows = [(word.word, word.japanese, word.means, ", ".join(word.lessons)) for word in words()]
    return Table(("word", "in Japanese", "means", "lesson"), rows)


def write(folder: Path, only: list[str], at_once: int = 2) -> list[Path]:
    """Run the lessons, so many side by side, and write the pages; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [p for p in sorted(FOLDER.glob("[0-9]*.ipynb")) if not only or p.stem[:2] in only]

    def one(path: Path) -> tuple[str, Path]:
        notebook = run_lesson(path)
        target = folder / f"{path.stem}.html"
        target.write_text(page(notebook, path.stem), "utf-8")
        print(target, flush=True)
        return str(notebook.cells[0].source.splitlines()[0]).lstrip("# "), target

    with ThreadPoolExecutor(at_once) as pool:
        made = list(pool.map(one, wanted))
    titles = {target.stem: title for title, target in made}
    (folder / "index.html").write_text(index(titles), "utf-8")
    return [folder / "index.html", *(target for _, target in made)]


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
