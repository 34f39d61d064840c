"""The outputs of a cell: pictures and tables, each with its text equivalent."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO, StringIO
from typing import Any

import matplotlib as mpl
from IPython import display as ipython
from matplotlib.figure import Figure

from demo_app.demo.colours import EDGE, INK, PAPER, WAITING
from demo_app.shared.escape import escape_invisible
from lab.language import translate

_FIGURE = f"margin:0.5em 0;padding:0.5em;background:{PAPER};color:{INK};max-width:80rem"
#: The style of a table's cell. It sets all colours, since JupyterLab's theme colours the rows.
_CELL = (
    f"background:{PAPER};color:{INK};padding:0.25em 0.9em;border-bottom:1px solid {EDGE};"
    "text-align:left;vertical-align:top"
)
_CODE = "white-space:pre-wrap;overflow-wrap:anywhere;font-family:monospace"
_MARK = f"background:{WAITING};color:{INK};font-weight:bold;text-decoration:underline"


class LabError(Exception):
    """An error that a learner can fix. It is shown as one sentence, without a traceback.

    Args:
        sentence: the sentence in English. It is translated, and formatted with the values.
    """

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(translate(sentence, **values))

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing (SVG or HTML) and its description, for screen readers and text output.

    Attributes:
        png: the same drawing as PNG in base64; "" if there is none.
    """

    drawing: str
    words: str
    png: str = ""

    @classmethod
    def of(cls, figure: Figure, words: str) -> "Picture":
        text, pixels = StringIO(), BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with mpl.rc_context({"svg.hashsalt": None}):
            figure.savefig(text, format="svg", metadata=nothing)
        figure.savefig(pixels, format="png", dpi=100)
        svg = text.getvalue()
        return cls(svg[svg.index("<svg") :], words, b64encode(pixels.getvalue()).decode())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        words = escape(escape_invisible(self.words))
        drawing = re.sub(r"<title>.*?</title>", "", escape_invisible(self.drawing))
        # fit the whole picture on the screen, and align it left like the text
        style = "width:100%;height:auto;max-height:85vh"
        drawing = drawing.replace("<svg ", f'<svg style="{style}" preserveAspectRatio="xMinYMin" ')
        label = f'role="img" aria-label="{words}"'
        if self.png:  # in an untrusted notebook, JupyterLab shows PNG but not SVG
            img = f'<img alt="{words}" src="data:image/png;base64,{self.png}">'
            drawing += f"<template>{img}</template>"
        html = f'<figure style="{_FIGURE}"><div {label}>{drawing}</div></figure>'
        return {"text/html": html, "text/plain": escape_invisible(self.words)}


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a head and a caption.

    Every cell is shown as text. Head, caption and the first cell of each row are translated.

    Attributes:
        code: True for a monospaced font in all columns except the first.
        marked: words that are highlighted in all columns except the first.
        below: a sentence under the table.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    code: bool = False
    marked: Sequence[str] = ()
    below: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        caption = escape_invisible(translate(self.caption))
        head = [escape_invisible(translate(name)) for name in self.head]
        rows = [
            [escape_invisible(translate(first) if isinstance(first, str) else first),
             *map(escape_invisible, others)]
            for first, *others in self.rows
        ]  # fmt: skip
        lines = [caption, *map(" | ".join, [head, *rows]), *filter(None, [self.below])]
        return {"text/html": self._html(caption, head, rows), "text/plain": "\n".join(lines)}

    def _html(self, caption: str, head: list[str], rows: list[list[str]]) -> str:
        above = f'<caption style="{_CELL}">{escape(caption)}</caption>' if caption else ""
        names = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in head)
        body = "".join(f"<tr>{self._row(*map(escape, row))}</tr>" for row in rows)
        style = f"border-collapse:collapse;background:{PAPER};color:{INK};max-width:60rem"
        below = f"<p>{escape(self.below)}</p>" if self.below else ""
        return f'<table style="{style}">{above}<tr>{names}</tr>{body}</table>{below}'

    def _row(self, first: str, *others: str) -> str:
        # long code in the other columns must not squeeze the first column
        narrow = f"{_CELL};min-width:9em" if self.code else _CELL
        return f'<th scope="row" style="{narrow}">{first}</th>' + "".join(map(self._cell, others))

    def _cell(self, cell: str) -> str:
        style = f"{_CELL};{_CODE}" if self.code else _CELL
        for word in map(escape, self.marked):
            cell = cell.replace(word, f'<mark style="{_MARK}">{word}</mark>')
        return f'<td style="{style}">{cell}</td>'


def folded(title: str, code: str, words: str = "") -> str:
    below = f"<p>{escape(words)}</p>" if words else ""
    return (
        f"<details><summary>{escape(title)}</summary>"
        f"<pre><code>{escape(code)}</code></pre>{below}</details>"
    )


class Several:
    """Several outputs of a cell, one below the other."""

    def __init__(self, *things: object) -> None:
        self._things = things

    def _ipython_display_(self) -> None:
        for thing in self._things:
            ipython.display(thing)  # type: ignore[no-untyped-call]


def seen(it: bool, yes: str, no: str) -> None:
    print(translate(yes if it else no))


def seconds(value: float) -> str:
    """Return a duration (seconds) as text with a suitable unit."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
