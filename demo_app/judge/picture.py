"""A trial as a picture (SVG). Time goes down, and each event has its words, of which the picture
shows as much as fits: the table of the same lines has the rest. Beside them is a lane for each
process, and for each job that was looked for or ran again."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise

from demo_app.demo.colours import CUT_SHORT, DELIVERED, EDGE, INK, KILL, PAPER, RUNNING, WAITING
from demo_app.judge.history import Line, called, story
from demo_app.judge.plan import REPAIRS, Act
from demo_app.judge.record import Record, Say

_LEGEND = (
    "p1 puts the jobs in. w1, w2, … are workers. The server is Redis.",
    "Blue bar: a job runs. Black: it ends. Orange bar: put has not come back. Cross: something is "
    "broken.",
    "Dashed: stopped, or nowhere. Ring: where the judge saw the job. Grey stripe: so long nothing "
    "happened.",
)
#: Where the first event is, from the top; the distances of events, and of lanes; the words' width.
_TOP, _ROW, _LANE, _WORDS = 76, 26, 60, 720
#: Seconds between two events from which on the picture says how long it was, and its height there.
_GAP, _STRIPE = 1.0, 20


def svg(record: Record, title: str, say: Say = str.format) -> str:
    """The picture; not to scale: each event has a line of its own."""
    return "\n".join(_Picture(record, say).drawn(title))


class _Picture:
    def __init__(self, record: Record, say: Say) -> None:
        self._lines, self._say = story(record, say), say
        ids: dict[str, str] = {}
        #: The ends of jobs that had ended with another message id.
        self._other_ids = {
            row
            for row, line in enumerate(self._lines)
            if line.event["event"] == "end"
            and ids.setdefault(line.job, line.event["message_id"]) != line.event["message_id"]
        }
        people = [line.who for line in self._lines if not line.is_of_server]
        server = ["server"] if any(_lane(line) == "server" for line in self._lines) else []
        asked = [
            line.job for line in self._lines if line.event["event"] == "where" or line.begins_again
        ]
        names = [*dict.fromkeys(people), *server, *dict.fromkeys(asked)]
        #: Where each lane is, from the left; and each event, from the top.
        self._x = {name: 30 + _LANE * place for place, name in enumerate(names)}
        self._y: list[int] = []
        for row in range(len(self._lines)):
            above = self._y[-1] + _ROW if self._y else _TOP
            self._y.append(above + (_STRIPE if self._gap(row) else 0))

    def drawn(self, title: str) -> Iterator[str]:
        """The file, line by line."""
        left = 30 + _LANE * len(self._x)
        width, height = left + _WORDS, max([_TOP, *self._y]) + 20 * len(_LEGEND) + 40
        yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
               f'font-family="sans-serif" font-size="14" fill="{INK}">')  # fmt: skip
        yield f"<title>{escape(title)}</title>"
        yield _tag("rect", width=width, height=height, fill=PAPER)
        yield _tag("text", title, x=10, y=24, font_weight="bold")
        for row, (line, y) in enumerate(zip(self._lines, self._y, strict=True)):
            if seconds := self._gap(row):
                yield _tag("rect", x=10, y=y - 31, width=width - 20, height=14, fill=WAITING)
                yield _tag("text", f"{seconds:.1f} s", x=left, y=y - 20)
            weight = "bold" if self._is_odd(row) else "normal"
            times = f" ({line.times}×)" if line.begins_again else ""
            words = f"{line.at:.2f} s  {called(line.who, self._say)}: {line.what}{times}"
            yield _tag("text", words, x=left, y=y + 5, font_weight=weight)
        for name in self._x:
            yield from self._drawn_lane(name)
        for line, y in zip(self._lines, self._y, strict=True):
            for lane in self._lanes(line):
                yield _mark(line, self._x[lane], y)
        for number, part in enumerate(reversed(_LEGEND)):
            yield _tag("text", self._say(part), x=10, y=height - 14 - 20 * number, fill=EDGE)
        yield "</svg>\n"

    def _is_odd(self, row: int) -> bool:
        """Whether the event shows what was broken, or what should not be."""
        line = self._lines[row]
        odd = line.event["event"] in ("refused", "put waits", "crashed") or row in self._other_ids
        return line.is_fault or odd or _is_nowhere(line) or line.begins_again

    def _gap(self, row: int) -> float:
        """Seconds for which nothing had happened; 0 for a moment."""
        seconds = self._lines[row].at - self._lines[row - 1].at if row else 0.0
        return seconds if seconds >= _GAP else 0.0

    def _drawn_lane(self, name: str) -> Iterator[str]:
        """Its name; how long it was there, dashed: stopped, dead, or nowhere; what took time."""
        x = self._x[name]
        label = called(name, self._say)
        yield _tag("text", label, x=x, y=_TOP - 28, font_size=12, text_anchor="middle")
        mine = [row for row, line in enumerate(self._lines) if name in self._lanes(line)]
        whole = True
        for here, there in pairwise(mine):
            whole = _goes_on(self._lines[here], whole)
            style = {"stroke": EDGE} if whole else {"stroke": KILL, "stroke_dasharray": "4 5"}
            y1, y2 = self._y[here], self._y[there]
            yield _tag("line", x1=x, y1=y1, x2=x, y2=y2, stroke_width=2, **style)
        for row in mine:
            kind = self._lines[row].event["event"]
            if kind in ("begin", "putting"):
                y, colour = self._y[row], RUNNING if kind == "begin" else CUT_SHORT
                height = self._y[self._end(row)] - y
                yield _tag("rect", x=x - 5, y=y, width=10, height=height, fill=colour)

    def _end(self, row: int) -> int:
        """Where what was begun is over; poison is so at once."""
        begun, last = self._lines[row], len(self._lines) - 1
        if begun.job.startswith("poison"):
            return row
        later = range(row + 1, len(self._lines))
        return next((other for other in later if _ends(begun, self._lines[other])), last)

    def _lanes(self, line: Line) -> list[str]:
        """The lanes in which the event has a sign: its process's, and its job's if that has one."""
        kind = line.event["event"]
        of_job = [line.job] if kind in ("put", "begin", "end") and line.job in self._x else []
        return [_lane(line), *of_job]


def _lane(line: Line) -> str:
    if line.event["event"] == "where":
        return line.job
    return "server" if line.is_of_server else line.who


def _is_nowhere(line: Line) -> bool:
    return line.event["event"] == "where" and not line.event["keys"]


def _goes_on(line: Line, whole: bool) -> bool:
    """Whether a lane goes on unbroken after the event. whole: whether it was so far."""
    if line.event["event"] == "act":
        return line.event["act"] in (*REPAIRS, Act.LOSE)
    if line.event["event"] == "where":
        return bool(line.event["keys"])
    return whole or line.event["event"] == "begin"


def _ends(begun: Line, line: Line) -> bool:
    """Whether what was begun is over with that event."""
    kind = line.event["event"]
    if kind == "act":
        return line.who == begun.who and line.event["act"] == "SIGKILL"
    over = ("put", "refused", "put waits") if begun.event["event"] == "putting" else ("end",)
    return kind in over and (line.who, line.job) == (begun.who, begun.job)


def _mark(line: Line, x: int, y: int) -> str:
    """Begun: a blue disc; ended: a black one; broken: a cross; the judge's look: a ring."""
    kind = line.event["event"]
    if line.is_fault or kind == "refused" or (kind == "begin" and line.job.startswith("poison")):
        cross = f"M{x - 8} {y - 8}l16 16m0 -16l-16 16"
        return _tag("path", d=cross, stroke=KILL, stroke_width=4)
    style: dict[str, object] = {"fill": CUT_SHORT, "stroke": EDGE}
    if kind == "where":
        style = {"fill": PAPER, "stroke": RUNNING, "stroke_width": 3}
        if _is_nowhere(line):
            style |= {"stroke": KILL, "stroke_dasharray": "3 3"}
    elif kind in ("begin", "end"):
        style = {"fill": RUNNING if kind == "begin" else DELIVERED}
    return _tag("circle", cx=x, cy=y, r=7 if kind == "where" else 6, **style)


def _tag(name: str, text: str = "", /, **attributes: object) -> str:
    given = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items())
    return f"<{name}{given}>{escape(text)}</{name}>"
