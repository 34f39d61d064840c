"""The common style of figures, and a bar chart of arrived, late and lost mails."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from demo_app.demo.colours import CUT_SHORT, EDGE, GOOD, INK, KILL
from demo_app.demo.fonts import japanese_font
from demo_app.shared.language import translations
from lab.language import JAPANESE, Translate, sentence, translate
from lab.show import LabError, Picture

#: The width of a figure (inches).
WIDTH = 11
NOTHING = "There is nothing to draw yet: run the cells above first."
Run = TypeVar("Run")


_font = japanese_font() if JAPANESE else ""
if _font:
    rcParams["font.family"] = [_font, "DejaVu Sans"]
label_of: Translate = translate if _font else translations("en", "lab")


def panels(
    height: float, rows: int = 1, columns: int = 1, **shared: Any
) -> tuple[Figure, list[Any]]:
    """Return a figure with its panels, row by row.

    Args:
        height: inches.
        shared: options of `Figure.subplots`.
    """
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid: Any = figure.subplots(rows, columns, squeeze=False, **shared)
    for axes in grid.flat:
        axes.tick_params(labelsize=12)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)


def titled(grid: Sequence[Any], runs: Mapping[str, Run]) -> Iterator[tuple[Any, str, Run]]:
    """Title each run's panel with its name. Yield the panel, the translated name and the run.

    Args:
        grid: one panel for each run.
        runs: the runs by name; "_" in a name becomes a space.
    """
    for axes, (name, run) in zip(grid, runs.items(), strict=True):
        label = name.replace("_", " ")
        axes.set_title(label_of(label), fontsize=14, loc="left")
        yield axes, translate(label), run


def legend(figure: Figure, *handles: Patch | Line2D) -> None:
    figure.legend(handles=list(handles), loc="outside lower center", ncols=len(handles),
                  frameon=False, fontsize=12)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """The numbers of mails (or parcels) of one experiment.

    Attributes:
        lost: mails that have not arrived and are not late.
        late: mails that have not arrived, but whose job is still in Redis.
        twice: mails that the inbox shows more than once.
    """

    name: str
    arrived: int
    lost: int
    late: int = 0
    twice: int = 0

    @property
    def comments(self) -> int:
        return self.arrived + self.lost + self.late

    @property
    def cost(self) -> str:
        """The counts of lost, late and duplicate mails as text; "" if all are zero."""
        counts = {"{n} lost": self.lost, "{n} late": self.late, "{n} shown twice": self.twice}
        return translate(", ").join(translate(what, n=n) for what, n in counts.items() if n)

    def __str__(self) -> str:
        text, words = "{name}: of {comments}, {words}", self.cost or translate("{n} lost", n=0)
        return translate(text, name=translate(self.name), comments=self.comments, words=words)


def outcomes_picture(
    outcomes: Sequence[Outcome],
    what: str = "comments, and what became of their mails",
    arrived: str = "arrived",
) -> Picture:
    """Return a picture with a bar for each outcome, the first one at the top.

    Args:
        what: the label of the horizontal axis.
        arrived: the legend's word for success.

    Raises:
        LabError: there is no outcome yet.
    """
    if not outcomes:
        raise LabError(NOTHING)
    parts = {
        "arrived": Patch(facecolor=GOOD, edgecolor="white", label=label_of(arrived)),
        "late": Patch(facecolor=CUT_SHORT, hatch="//", edgecolor="white",
                      label=label_of("late: held until a timeout")),
        "lost": Patch(facecolor=KILL, hatch="xx", edgecolor="white", label=label_of("lost")),
    }  # fmt: skip
    figure, (axes,) = panels(1.8 + 0.6 * len(outcomes))
    box = {"facecolor": "white", "edgecolor": EDGE, "boxstyle": "round,pad=0.25"}
    left = [0] * len(outcomes)
    for name, look in parts.items():
        counts = [getattr(one, name) for one in outcomes]
        bars = axes.barh(range(len(outcomes)), counts, left=left, height=0.62, edgecolor="white",
                         color=look.get_facecolor(), hatch=look.get_hatch())  # fmt: skip
        axes.bar_label(bars, [n or "" for n in counts], label_type="center", fontsize=15,
                       fontweight="bold", color=INK, bbox=box)  # fmt: skip
        left = [begin + n for begin, n in zip(left, counts, strict=True)]
    axes.set_yticks(range(len(outcomes)), [label_of(bar.name) for bar in outcomes], fontsize=14)
    axes.invert_yaxis()
    axes.set_xlim(0, max(left) * 1.02)
    axes.set_xlabel(label_of(what), fontsize=13)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    used = [name for name in parts if name != "late" or any(bar.late for bar in outcomes)]
    legend(figure, *(parts[name] for name in used))
    return Picture.of(figure, sentence(map(str, outcomes)))
