"""A trial as a picture (SVG): a line for each process, and one for each job that was looked for."""

from __future__ import annotations

import textwrap
from html import escape

from demo_app.verification.demo.colours import EDGE, INK, PAPER
from demo_app.verification.judge.history import story
from demo_app.verification.judge.lanes import WIDTH, Lanes
from demo_app.verification.judge.record import Record

_LEGEND = (
    "p1 puts the jobs in. w1, w2, … are workers. The server is Redis.",
    "Blue bar: a job runs. Black: it ends. Orange bar: put has not come back. Cross: something is "
    "broken.",
    "Dashed: stopped, or nowhere. Ring: where the judge saw the job. Grey stripe: so long nothing "
    "happened.",
)
#: The height of a line of words.
_LINE = 26


def svg(record: Record, title: str) -> str:
    """The picture. Time goes right, not to scale: each event has a column of its own."""
    lines = story(record)
    lanes = Lanes(lines)
    words = [
        (f"{number}. {line.at:.2f} s  {line.who}: {line.what}", lanes.is_bold(number - 1))
        for number, line in enumerate(lines, 1)
    ]
    height = lanes.bottom + _LINE * (len(lines) + 1) + 20 * len(_LEGEND) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="sans-serif" font-size="14" fill="{INK}">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
            *(
                f'<text x="10" y="{24 + 19 * n}" font-weight="bold">{escape(part)}</text>'
                for n, part in enumerate(textwrap.wrap(title, 115, max_lines=2, placeholder=" …"))
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
                f'<text x="10" y="{height - 14 - 20 * n}" fill="{EDGE}">{told}</text>'
                for n, told in enumerate(reversed(_LEGEND))
            ),
            "</svg>\n",
        ]
    )


def _cut(text: str) -> str:
    """As much of it as fits into a line; the table of the same lines has the rest."""
    return text if len(text) <= 125 else f"{text[:123]} …"
