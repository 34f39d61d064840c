"""The ledger: the comments that were accepted, and the mails in the inbox."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from demo_app.demo.colours import DELIVERED, EDGE, KILL, WAITING
from demo_app.demo.timeline import Kill
from demo_app.rig.ledger import Ledger as Counted
from demo_app.rig.ledger import lines_of
from demo_app.stack.client import Client
from lab.figures import label_of, legend, panels, titled
from lab.language import sentence, translate
from lab.show import Picture, Table

#: The style of the marker at the end of a comment's bar: the mail has arrived, or is missing.
_ARRIVED: dict[str, Any] = {"color": DELIVERED, "marker": "o", "markersize": 4}
_MISSING: dict[str, Any] = {"color": KILL, "marker": "x", "markersize": 9, "markeredgewidth": 2.4}


@dataclass(frozen=True, slots=True)
class Posted:
    """An accepted comment.

    Attributes:
        at: when the reader posted the comment (epoch seconds).
        took: seconds until the reader got the reply.
    """

    comment_id: int
    job_id: str
    at: float
    took: float


class Posts(list[Posted]):
    """The comments of one call of `Lab.post`, in order."""

    def __repr__(self) -> str:
        text = "1 comment posted" if len(self) == 1 else "{n} comments posted"
        return translate(text, n=len(self))


@dataclass(frozen=True, slots=True)
class Ledger(Counted):
    """Every comment with its mail, and the kills of the experiment."""

    kills: tuple[Kill, ...] = ()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = [
            (translate("comments that were accepted"), self.comments),
            (translate("mails that arrived"), self.arrived),
            (translate("missing"), self.missing),
            (translate("sent twice, shown once"), self.twice),
            (translate("processes killed by you"), len(self.kills)),
        ]
        return Table(("the ledger", ""), rows)._repr_mimebundle_()


def count(posted: Sequence[Posted], client: Client, kills: Sequence[Kill]) -> Ledger:
    comments = sorted(posted, key=lambda one: one.comment_id)
    lines = lines_of(((one.job_id, one.at) for one in comments), client.all_mails())
    return Ledger(lines, kills=tuple(kills))


def side_by_side(**ledgers: Ledger) -> Picture:
    """Draw each mail's arrival, one panel per ledger. A missing mail's bar ends in a cross."""
    figure, grid = panels(5.2, 1, len(ledgers), sharex=True, sharey=True)
    longest = max(map(_length, ledgers.values()))
    rows = max(ledger.comments for ledger in ledgers.values())
    sentences = []
    for axes, label, ledger in titled(grid, ledgers):
        _draw(axes, ledger, longest)
        text = "{label}: {arrived} of {comments} mails arrived, {missing} missing"
        sentences.append(translate(text, label=label, arrived=ledger.arrived,
                             comments=ledger.comments, missing=ledger.missing))  # fmt: skip
    grid[0].set_ylim(rows + 0.8, 0.2)
    grid[0].yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    grid[0].set_ylabel(label_of("comments, in order"), fontsize=12)
    grid[len(grid) // 2].set_xlabel(label_of("seconds since the first comment"), fontsize=12)
    legend(
        figure,
        Patch(facecolor=WAITING, edgecolor=EDGE, label=label_of("on its way")),
        Line2D([], [], linestyle="", label=label_of("mail arrived"), **_ARRIVED),
        Line2D([], [], linestyle="", label=label_of("no mail"), **_MISSING),
        Line2D([], [], color=KILL, linestyle=(0, (4, 3)), label=label_of("killed")),
    )
    return Picture.of(figure, sentence(sentences))


def _start(ledger: Ledger) -> float:
    return min(line.promised for line in ledger.lines)


def _kills(ledger: Ledger) -> list[float]:
    """Return the times of the kills that could affect these comments (epoch seconds).

    Those are the kills after the first comment and, if no mail is missing, before the last mail.
    """
    arrived = [line.arrived for line in ledger.lines]
    end = math.inf if None in arrived else max(one for one in arrived if one)
    return [kill.at for kill in ledger.kills if _start(ledger) <= kill.at <= end]


def _length(ledger: Ledger) -> float:
    """Return the seconds from the first comment until 0.5 s after the last mail or kill."""
    moments = [line.arrived for line in ledger.lines if line.arrived]
    moments += _kills(ledger)
    return max(moments, default=_start(ledger)) + 0.5 - _start(ledger)


def _draw(axes: Any, ledger: Ledger, longest: float) -> None:
    start = _start(ledger)
    for row, line in enumerate(ledger.lines, 1):
        until = line.arrived or start + longest
        axes.barh(row, until - line.promised, left=line.promised - start, height=0.6,
                  color=WAITING, edgecolor=EDGE, linewidth=0.5)  # fmt: skip
        axes.plot(until - start, row, **(_ARRIVED if line.arrived else _MISSING))
    for at in _kills(ledger):
        axes.axvline(at - start, color=KILL, linewidth=1.2, linestyle=(0, (4, 3)))
