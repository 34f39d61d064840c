"""A trial as a picture (SVG): a line for each process, and one for each job that was looked for."""

from __future__ import annotations

import textwrap
from html import escape
from unicodedata import east_asian_width

from demo_app.demo.colours import EDGE, INK, PAPER
from demo_app.judge.history import called, story
from demo_app.judge.lanes import WIDTH, Lanes
from demo_app.judge.record import Record, Say

_LEGEND = (
    "p1 puts the jobs in. w1, w2, … are workers. The server is Redis.",
    "Blue bar: a job runs. Black: it ends. Orange bar: put has not come back. Cross: something is "
    "broken.",
    "Dashed: stopped, or nowhere. Ring: where the judge saw the job. Grey stripe: so long nothing "
    "happened.",
)
#: The height of a line of words.
_LINE = 26


def svg(record: Record, title: str, say: Say = str.format) -> str:
    """The picture. Time goes right, not to scale: each event has a column of its own."""
    lines = story(record, say)
    lanes = Lanes(lines, say)
    words = [
        (
            f"{number}. {line.at:.2f} s  {called(line.who, say)}: {line.what}",
            lanes.is_bold(number - 1),
        )
        for number, line in enumerate(lines, 1)
    ]
    titles = textwrap.wrap(title, _fitting(title, 115) or 1, max_lines=2, placeholder=" …")
    height = lanes.bottom + _LINE * (len(lines) + 1) + 20 * len(_LEGEND) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="sans-serif" font-size="14" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
            *(
                f'<text x="10" y="{24 + 19 * n}" font-weight="bold">{escape(part)}</text>'
                for n, part in enumerate(titles)
            ),
            *lanes.gaps(),
            *lanes.rows(),
            *lanes.bars(),
            *lanes.marks(),
            *(
                f'<text x="10" y="{lanes.bottom + _LINE * number}" '
                f'font-weight="{"bold" if bold else "normal"}">{escape(_cut(text))}</text>'
                for number, (text, bold) in enumerate(words, 1)
            ),
            *(
                f'<text x="10" y="{height - 14 - 20 * n}" fill="{EDGE}">{say(told)}</text>'
                for n, told in enumerate(reversed(_LEGEND))
            ),
            "</svg>\n",
        ]
    )


def _cut(text: str) -> str:
    """As much of it as fits into a line; the table of the same lines has the rest."""
    fits = _fitting(text, 125)
    return text if len(text) <= fits else f"{text[: fits - 2]} …"


def _fitting(text: str, columns: int) -> int:
    """How many letters like those of the text fill a line: a Japanese one takes two columns."""
    wide = sum(east_asian_width(letter) in "WF" for letter in text)
    return columns * len(text) // max(1, len(text) + wide)
