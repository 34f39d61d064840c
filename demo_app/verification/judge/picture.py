"""A trial as a picture (SVG): a line for each process, and for each job where it was."""

from __future__ import annotations

import textwrap
from html import escape

from demo_app.verification.demo.colours import CUT_SHORT, DELIVERED, EDGE, INK, KILL, PAPER, RUNNING
from demo_app.verification.judge.history import history
from demo_app.verification.judge.record import Record

_LEGEND = "Blue: a run begins. Black: it ends. Cross: something is broken. Ring: where a job is."
_WIDTH, _LEFT, _ROW, _TOP = 960, 90, 58, 70


def svg(record: Record, title: str) -> str:
    """The picture. Time goes right, not to scale: each event has a column of its own."""
    told = history(record)
    columns = max(1, len(told))
    people = list(dict.fromkeys(line["who"] for line in told))
    height = _TOP + _ROW * len(people) + 26 * (columns + 1) + 40
    step = (_WIDTH - _LEFT - 30) / columns
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="14" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="{PAPER}"/>',
        *(
            f'<text x="10" y="{24 + 19 * n}" font-weight="bold">{escape(part)}</text>'
            for n, part in enumerate(textwrap.wrap(title, 120)[:2])
        ),
    ]
    ends = {who: max(n for n, line in enumerate(told) if line["who"] == who) for who in people}
    for row, who in enumerate(people):
        y = _TOP + _ROW * row + 20
        first = min(n for n, line in enumerate(told) if line["who"] == who)
        left, right = _LEFT + step * (first + 0.3), _LEFT + step * (ends[who] + 0.7)
        drawn.append(f'<text x="10" y="{y + 5}">{escape(who)}</text>')
        drawn.append(
            f'<line x1="{left:.0f}" y1="{y}" x2="{right:.0f}" y2="{y}" stroke="{EDGE}" '
            'stroke-width="2"/>'
        )
    for number, line in enumerate(told, 1):
        x = _LEFT + step * (number - 0.5)
        y = _TOP + _ROW * people.index(line["who"]) + 20
        drawn.append(_mark(line["what"], x, y, number))
        below = _TOP + _ROW * len(people) + 26 * number
        words = f"{number}. {line['at']:.2f} s  {line['who']}: {line['what']}"
        weight = ' font-weight="bold"' if _is_fault(line["what"]) else ""
        drawn.append(f'<text x="10" y="{below}"{weight}>{escape(words[:125])}</text>')
    drawn.append(f'<text x="10" y="{height - 20}" fill="{EDGE}">{_LEGEND}</text>')
    return "\n".join([*drawn, "</svg>\n"])


def _is_fault(what: str) -> bool:
    return what.startswith(("SIG", "the server's", "the answer")) or what.endswith("nowhere")


def _mark(what: str, x: float, y: float, number: int) -> str:
    """Begun: a blue disc; ended: a black one; broken: a cross; the judge's look: a ring."""
    label = f'<text x="{x:.0f}" y="{y + 26}" text-anchor="middle" font-size="11">{number}</text>'
    if what.startswith(("SIG", "the server's", "the answer")):
        arms = f"M{x - 8:.0f} {y - 8}l16 16m0 -16l-16 16"
        return f'<path d="{arms}" stroke="{KILL}" stroke-width="4"/>{label}'
    if what.endswith("nowhere"):
        style = f'fill="{PAPER}" stroke="{KILL}" stroke-width="3" stroke-dasharray="3 3"'
    elif what.startswith("begins"):
        style = f'fill="{RUNNING}"'
    elif what.startswith("ends"):
        style = f'fill="{DELIVERED}"'
    elif " is in " in what:
        style = f'fill="{PAPER}" stroke="{RUNNING}" stroke-width="3"'
    else:
        style = f'fill="{CUT_SHORT}" stroke="{EDGE}"'
    return f'<circle cx="{x:.0f}" cy="{y}" r="8" {style}/>{label}'
