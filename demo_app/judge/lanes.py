"""The upper part of a trial's picture (SVG): a lane for each process, and for each job that was
looked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape

from demo_app.demo.colours import (
    CUT_SHORT,
    DELIVERED,
    EDGE,
    INK,
    KILL,
    PAPER,
    RUNNING,
    WAITING,
)
from demo_app.judge.history import Line, called
from demo_app.judge.plan import REPAIRS, Act
from demo_app.judge.record import Say

#: The picture's width; where the lanes begin, from the left and from the top; a lane's height.
WIDTH, _LEFT, _TOP, _ROW = 960, 90, 76, 68
#: Seconds between two events from which on the picture says how long it was.
_GAP = 1.0


class Lanes:
    """The part above the words: a column for each event, a lane for each process and job."""

    def __init__(self, lines: list[Line], say: Say) -> None:
        self._lines, self._say = lines, say
        #: How often the job of each beginning was begun before, by its column.
        self._before: dict[int, int] = {}
        #: The ends of jobs that had ended with another message id.
        self._other_ids: set[int] = set()
        self._count()
        people = [line.who for line in lines if not line.is_of_server]
        server = ["server"] if any(self._lane(line) == "server" for line in lines) else []
        asked = [
            line.job
            for column, line in enumerate(lines)
            if line.event["event"] == "where" or self._before.get(column)
        ]
        self._names = [*dict.fromkeys(people), *server, *dict.fromkeys(asked)]
        self.bottom = _TOP + _ROW * len(self._names)
        self._step = (WIDTH - _LEFT - 20) / max(1, len(lines))

    def _count(self) -> None:
        runs: Counter[str] = Counter()
        ids: dict[str, str] = {}
        for column, line in enumerate(self._lines):
            if line.event["event"] == "begin":
                self._before[column] = runs[line.job]
                runs[line.job] += 1
            elif line.event["event"] == "end":
                mine = line.event["message_id"]
                if ids.setdefault(line.job, mine) != mine:
                    self._other_ids.add(column)

    def is_bold(self, column: int) -> bool:
        """Whether the event shows what was broken, or what should not be."""
        line = self._lines[column]
        odd = line.event["event"] in ("refused", "put waits", "crashed")
        return line.is_fault or odd or self._is_nowhere(line) or bool(self._before.get(column))

    def gaps(self) -> Iterator[str]:
        """A stripe between two events with a long time in between, and the seconds."""
        for column, (one, other) in enumerate(zip(self._lines, self._lines[1:], strict=False), 1):
            if other.at - one.at >= _GAP:
                x, height = _LEFT + self._step * column, self.bottom - _TOP
                yield (f'<rect x="{x - 5:.0f}" y="{_TOP}" width="10" height="{height}" '
                       f'fill="{WAITING}"/>')  # fmt: skip
                above = _TOP - 8 - self._aside(column)
                yield _text(x, above, f"{other.at - one.at:.1f} s", EDGE)

    def rows(self) -> Iterator[str]:
        """The names, and for each how long it was there; dashed: stopped, dead, or nowhere."""
        for name in self._names:
            y = self._y(name)
            yield f'<text x="10" y="{y + 5}">{escape(called(name, self._say))}</text>'
            mine = [n for n, line in enumerate(self._lines) if name in self._lanes(line)]
            whole = True
            for here, there in zip(mine, [*mine[1:], mine[-1]], strict=True):
                whole = self._goes_on(self._lines[here], whole)
                colour, dashes = (EDGE, "none") if whole else (KILL, "4 5")
                yield (f'<line x1="{self._x(here):.0f}" y1="{y}" x2="{self._x(there):.0f}" '
                       f'y2="{y}" stroke-width="2" stroke="{colour}" '
                       f'stroke-dasharray="{dashes}"/>')  # fmt: skip

    def bars(self) -> Iterator[str]:
        """What takes time: a run, in its worker's lane and its job's; a put that is waited for."""
        for column, line in enumerate(self._lines):
            kind = line.event["event"]
            if kind not in ("begin", "putting"):
                continue
            end = next(
                (n for n in range(column + 1, len(self._lines))
                 if self._ends(line, self._lines[n])), len(self._lines) - 1,
            )  # fmt: skip
            if line.job.startswith("poison"):
                end = column
            colour = RUNNING if kind == "begin" else CUT_SHORT
            left, right = self._x(column), self._x(end)
            for lane in self._lanes(line):
                yield (f'<rect x="{left:.0f}" y="{self._y(lane) - 5}" width="{right - left:.0f}" '
                       f'height="10" fill="{colour}"/>')  # fmt: skip

    def marks(self) -> Iterator[str]:
        """A sign for each event, its number below it, and above it what it is about."""
        for column, line in enumerate(self._lines):
            x, lane = self._x(column), self._lane(line)
            for place in self._lanes(line):
                yield _mark(line, x, self._y(place), nowhere=self._is_nowhere(line))
            yield _text(x, self._y(lane) + 26, str(column + 1), INK)
            for place in self._lanes(line):
                above, colour = self._label(column, in_job=place == line.job)
                if above:
                    yield _text(x, self._y(place) - 13 - self._aside(column), above, colour)

    def _label(self, column: int, *, in_job: bool) -> tuple[str, str]:
        line = self._lines[column]
        kind, name = line.event["event"], line.who if in_job else line.job
        if kind == "where":
            keys = line.event["keys"]
            told = f"{keys[0][:18]}{' …' * (len(keys) > 1)}" if keys else self._say("nowhere")
            return told, INK if keys else KILL
        if again := self._before.get(column, 0):
            return (f"{name} {again + 1}×", KILL)
        if kind == "refused":
            return self._say("{name} refused", name=name), KILL
        if column in self._other_ids and in_job:
            return self._say("other id"), KILL
        return (name, INK) if kind in ("begin", "put") else ("", INK)

    def _lanes(self, line: Line) -> list[str]:
        """The lanes in which the event has a sign: its process's, and its job's if that has one."""
        kind = line.event["event"]
        of_job = [line.job] if kind in ("put", "begin", "end") and line.job in self._names else []
        return [self._lane(line), *of_job]

    @staticmethod
    def _lane(line: Line) -> str:
        if line.event["event"] == "where":
            return line.job
        return "server" if line.is_of_server else line.who

    @staticmethod
    def _is_nowhere(line: Line) -> bool:
        return line.event["event"] == "where" and not line.event["keys"]

    def _goes_on(self, line: Line, whole: bool) -> bool:
        """Whether a lane goes on unbroken after the event. whole: whether it was so far."""
        if line.event["event"] == "act":
            return line.event["act"] in (*REPAIRS, Act.LOSE)
        if line.event["event"] == "where":
            return bool(line.event["keys"])
        return whole or line.event["event"] == "begin"

    @staticmethod
    def _ends(begun: Line, line: Line) -> bool:
        """Whether what was begun is over with that event."""
        kind = line.event["event"]
        if kind == "act":
            return line.who == begun.who and line.event["act"] == "SIGKILL"
        over = ("put", "refused", "put waits") if begun.event["event"] == "putting" else ("end",)
        return kind in over and (line.who, line.job) == (begun.who, begun.job)

    def _aside(self, column: int) -> int:
        """So much higher is what is above a narrow column, so that its neighbours have room."""
        return 11 * (column % 2) if self._step < 70 else 0

    def _x(self, column: int) -> float:
        return _LEFT + self._step * (column + 0.5)

    def _y(self, lane: str) -> int:
        return _TOP + _ROW * self._names.index(lane) + 26


def _text(x: float, y: float, words: str, colour: str) -> str:
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" font-size="11" fill="{colour}">'
            f"{escape(words)}</text>")  # fmt: skip


def _mark(line: Line, x: float, y: float, *, nowhere: bool) -> str:
    """Begun: a blue disc; ended: a black one; broken: a cross; the judge's look: a ring."""
    kind = line.event["event"]
    if line.is_fault or kind == "refused" or (kind == "begin" and line.job.startswith("poison")):
        arms = f"M{x - 8:.0f} {y - 8}l16 16m0 -16l-16 16"
        return f'<path d="{arms}" stroke="{KILL}" stroke-width="4"/>'
    if nowhere:
        style = f'fill="{PAPER}" stroke="{KILL}" stroke-width="3" stroke-dasharray="3 3"'
    elif kind == "where":
        style = f'fill="{PAPER}" stroke="{RUNNING}" stroke-width="3"'
    elif kind in ("begin", "end"):
        style = f'fill="{RUNNING if kind == "begin" else DELIVERED}"'
    else:
        style = f'fill="{CUT_SHORT}" stroke="{EDGE}"'
    return f'<circle cx="{x:.0f}" cy="{y}" r="{7 if kind == "where" else 6}" {style}/>'
