"""The ledger: what was promised to readers, and what the inbox holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from demo_app.stack.client import Client
from demo_app.verification.demo.colours import DELIVERED, EDGE, KILL, WAITING
from demo_app.verification.demo.timeline import Kill
from lab.show import Picture, Table

if TYPE_CHECKING:
    from lab.running import Posted


@dataclass(frozen=True, slots=True)
class Line:
    """One comment, and its mail. Times in epoch seconds; `arrived` is None when there is none."""

    comment_id: int
    posted: float
    arrived: float | None
    deliveries: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every comment with its mail, and the kills meanwhile."""

    lines: tuple[Line, ...]
    kills: tuple[Kill, ...]

    @property
    def comments(self) -> int:
        """How many comments were accepted."""
        return len(self.lines)

    @property
    def arrived(self) -> int:
        """How many of them have their mail in the inbox."""
        return sum(line.arrived is not None for line in self.lines)

    @property
    def missing(self) -> int:
        """How many have not."""
        return self.comments - self.arrived

    @property
    def twice(self) -> int:
        """How many mails the mail server got more often than once."""
        return sum(line.deliveries > 1 for line in self.lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = [
            ("comments that were accepted", self.comments),
            ("mails that arrived", self.arrived),
            ("missing", self.missing),
            ("sent twice, shown once", self.twice),
            ("processes killed by you", len(self.kills)),
        ]
        return Table(("the ledger", ""), rows)._repr_mimebundle_()


def count(posted: Sequence[Posted], client: Client, kills: Sequence[Kill]) -> Ledger:
    """The ledger of these comments, as of now; a mail says in a header which job sent it."""
    mails: dict[str, list[dict[str, Any]]] = {}
    cursor = None
    while True:
        page = client.mails(cursor=cursor)
        for mail in page["messages"]:
            mails.setdefault(mail["job_id"], []).append(mail)
        cursor = page["next"]
        if cursor is None:
            break
    lines = []
    for comment in sorted(posted, key=lambda one: one.comment_id):
        mine = mails.get(comment.job_id, [])
        arrived = [datetime.fromisoformat(mail["received_at"]).timestamp() for mail in mine]
        deliveries = sum(mail["deliveries"] for mail in mine)
        first = min(arrived, default=None)
        lines.append(Line(comment.comment_id, comment.at, first, deliveries))
    return Ledger(tuple(lines), tuple(kills))


def side_by_side(**ledgers: Ledger) -> Picture:
    """When each mail arrived, one panel a ledger; what has not arrived ends in a cross."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    panels = figure.subplots(1, len(ledgers), sharex=True, sharey=True, squeeze=False)[0]
    longest = max(map(_length, ledgers.values()))
    for axes, (name, ledger) in zip(panels, ledgers.items(), strict=True):
        _draw(axes, ledger, longest)
        axes.set_title(name.replace("_", " "), fontsize=14, loc="left")
    panels[0].set_ylabel("comments, in their order", fontsize=12)
    handles = [
        Patch(facecolor=WAITING, edgecolor=EDGE, label="on its way"),
        Line2D([], [], color=DELIVERED, marker="o", linestyle="", label="mail arrived"),
        Line2D([], [], color=KILL, marker="x", markersize=9, markeredgewidth=2.4, linestyle="",
               label="no mail"),
        Line2D([], [], color=KILL, linestyle=(0, (4, 3)), label="worker killed"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=12)
    told = [
        f"{name.replace('_', ' ')}: {ledger.arrived} of {ledger.comments} mails arrived, "
        f"{ledger.missing} missing"
        for name, ledger in ledgers.items()
    ]
    return Picture.of(figure, "; ".join(told) + ".")


def _start(ledger: Ledger) -> float:
    return min(line.posted for line in ledger.lines)


def _length(ledger: Ledger) -> float:
    """Seconds from the first comment to a little after the last thing that happened."""
    arrived = [line.arrived for line in ledger.lines if line.arrived]
    moments = [*arrived, *(kill.at for kill in ledger.kills)]
    return max(moments, default=_start(ledger)) + 0.5 - _start(ledger)


def _draw(axes: Any, ledger: Ledger, longest: float) -> None:
    start = _start(ledger)
    end = start + longest
    for row, line in enumerate(ledger.lines, 1):
        until = line.arrived or end
        axes.barh(row, until - line.posted, left=line.posted - start, height=0.6,
                  color=WAITING, edgecolor=EDGE, linewidth=0.5)  # fmt: skip
        if line.arrived:
            axes.plot(until - start, row, "o", color=DELIVERED, markersize=4)
        else:
            axes.plot(until - start, row, "x", color=KILL, markersize=9, markeredgewidth=2.4)
    for kill in ledger.kills:
        axes.axvline(kill.at - start, color=KILL, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_ylim(len(ledger.lines) + 0.8, 0.2)
    axes.set_xlabel("seconds since the first comment", fontsize=12)
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
