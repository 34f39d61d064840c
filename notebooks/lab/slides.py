"""Slides from the lessons' own cells: the room sees code, pictures and what was seen; the prose is
in the speaker's notes.

``python -m lab.slides ../build/slides`` in the folder ``notebooks``; ``--only 00 04`` for some of
the lessons, ``--ja`` for the Japanese ones. Each lesson is run, and becomes one file that needs
nothing from anywhere else.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook

from lab.book import FOLDER, run

#: What comes before what the room is to remember, in both languages.
_SEEN = re.compile(r"^(?=\*\*(?:Seen|結果):\*\*)", re.M)
_LAST = re.compile(r"^## (?:Key points|要点)$", re.M)
_HEADING = re.compile(r"^##? .+$", re.M)
#: Cells of a learner's own work, and of the end.
_NOT_SHOWN = re.compile(r'^(?:check\("|solutions\(|predictions\(\)|\w+\.close\(\)$)', re.M)

#: What a topic says of its length, and the seconds of a slide whose topic says nothing.
_MINUTES = re.compile(r"\*(?:About (\d+) minutes?|約 ?(\d+) ?分)")
_SECONDS = 30
_STYLE = ("vendor/reveal.css", "style.css", "deck.css")
_SCRIPT = ("vendor/reveal.js", "vendor/notes.js", "deck.js")


@dataclass(slots=True)
class Slide:
    """shown: cells that the room sees. notes: Markdown for the speaker."""

    title: str
    shown: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def slides(notebook: Any) -> list[Slide]:
    """A lesson's slides, in its order, up to its key points.

    A heading begins one, and so does each code cell, with the prose before it as notes. What was
    seen is a slide of its own. Exercises are left out.
    """
    found: list[Slide] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if _NOT_SHOWN.search(cell.source):
                continue
            if found[-1].shown:
                found.append(Slide(found[-1].title))
            found[-1].shown.append(cell)
            continue
        text = re.split(r"^### ", cell.source, maxsplit=1, flags=re.M)[0]
        for part in re.split(r"^(?=##? )", text, flags=re.M):
            found += _prose(part, found[-1].title if found else "")
            if _LAST.match(part):
                return _without_empty(found)
    return _without_empty(found)


def _prose(text: str, title: str) -> list[Slide]:
    """The slides of a piece of prose: what comes before code, and what was seen."""
    found = []
    if heading := _HEADING.match(text):
        title, text = heading[0].lstrip("# "), text[heading.end() :]
    if (heading and heading[0].startswith("# ")) or title in ("Key points", "要点"):
        return [Slide(title, [_markdown(text)])]
    before, *after = re.split(_SEEN, text, maxsplit=1)
    if after:
        seen, _, rest = after[0].partition("\n\n")
        found.append(Slide(title, [_markdown(seen)]))
        before, after = rest, [before]
    notes = [one.strip() for one in (*after, before) if one.strip()]
    return [*found, Slide(title, [], notes)] if notes or heading else found


def _without_empty(found: list[Slide]) -> list[Slide]:
    """A slide that shows nothing gives its notes to the one before."""
    kept: list[Slide] = []
    for slide in found:
        if slide.shown or not kept:
            kept.append(slide)
        else:
            kept[-1].notes += slide.notes
    return kept


def _markdown(text: str) -> Any:
    return new_markdown_cell(text)  # type: ignore[no-untyped-call]


def html(notebook: Any, language: str) -> str:
    """The slides as one page of reveal.js that needs nothing from anywhere else."""
    deck = slides(notebook)
    here = FOLDER / "slides"
    style, script = (
        "\n".join((here / name).read_text("utf-8") for name in names) for names in (_STYLE, _SCRIPT)
    )
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
        f"<title>{escape(deck[0].title)}</title><style>{style}</style></head>\n<body>\n"
        f'<div class="reveal"><div class="slides">{"".join(_sections(deck))}</div></div>\n'
        f"<script>{script}</script></body></html>\n"
    )


def _sections(deck: list[Slide]) -> Iterator[str]:
    """Each slide with its notes, and its share of its topic's seconds."""
    for title, topic in groupby(deck, attrgetter("title")):
        found = list(topic)
        stated = _MINUTES.search("\n".join(note for slide in found for note in slide.notes))
        seconds = 60 * int(stated[1] or stated[2]) // len(found) if stated else _SECONDS
        for slide in found:
            level = "h1" if slide is deck[0] else "h2"
            notes = [_markdown(text) for text in slide.notes]
            yield (
                f'<section data-timing="{seconds}"><{level}>{escape(title)}</{level}>'
                f'{_body(slide.shown)}<aside class="notes">{_body(notes)}</aside></section>\n'
            )


def _body(cells: list[Any]) -> str:
    exporter: Any = HTMLExporter(template_name="basic")  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(new_notebook(cells=cells))  # type: ignore[no-untyped-call]
    return re.sub(r"<script.*?</script>", "", str(body), flags=re.S)


def main() -> int:
    """Write the slides; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab.slides", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NN")
    parser.add_argument("--ja", action="store_true", help="the Japanese lessons")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((FOLDER / "ja" if given.ja else FOLDER).glob("[0-9]*.ipynb")):
        if given.only and path.stem[:2] not in given.only:
            continue
        notebook = run(path)
        target = given.folder / f"{path.stem}{'.ja' if given.ja else ''}.html"
        target.write_text(html(notebook, "ja" if given.ja else "en"), "utf-8")
        print(target.resolve().as_uri(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
