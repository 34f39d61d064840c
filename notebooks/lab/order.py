"""The orders in which jobs were enqueued, started and finished, and in which they wait."""

import base64
import json
from collections.abc import Callable
from typing import Any

from matplotlib.lines import Line2D

from demo_app.broker.fold import JobRecord
from demo_app.broker.view import view_of
from demo_app.demo.colours import EDGE, KILL, RUNNING
from demo_app.demo.timeline import Timeline
from lab.figures import label_of, legend, panels, titled
from lab.language import sentence, translate
from lab.show import Picture

#: The style of a job's line: the job kept its place in all three orders (KEPT), or not (MOVED).
KEPT: dict[str, Any] = {"color": RUNNING, "linestyle": "-"}
MOVED: dict[str, Any] = {"color": KILL, "linestyle": "--"}
#: For each of the three orders, the time by which the jobs are sorted (epoch seconds).
_MOMENTS: dict[str, Callable[[JobRecord], float]] = {
    "enqueued": lambda job: job.enqueued,
    "started": lambda job: job.runs[-1].began,
    "finished": lambda job: job.done or 0.0,
}


def waiting_in_stock(redis: Any, queue: str) -> list[str]:
    """Return the labels of the jobs that wait in a queue of stock Celery, the next one first."""
    messages = map(json.loads, reversed(redis.lrange(queue, 0, -1)))
    return [_name(json.loads(base64.b64decode(one["body"]))[1]) for one in messages]


def name_of(job: str, rows: Callable[..., list[Any]], redis: Any) -> str:
    """Return the job's label: its argument `name` or `comment_id`, or its task's name."""
    view = view_of(job, redis.lrange(f"job:{job}", 0, -1))
    arguments = view.arguments
    # a done job has no arguments any more, but the task `work` returns its argument `name`
    if arguments is None:
        found = rows("SELECT id AS comment_id FROM comments WHERE job_id = ?", job)
        returned = {} if view.return_value is None else {"name": view.return_value}
        arguments = dict(found[0]) if found else returned
    return _name(arguments, view.task.rpartition(".")[2])


def changed_places(seen: Timeline) -> int:
    """Return the number of finished jobs that started or finished out of the queue's order."""
    return sum(len(set(places)) > 1 for places in _places(seen))


def order_picture(**runs: Timeline) -> Picture:
    """Draw each finished job as a line: its place in the orders of enqueuing, start and end."""
    figure, grid = panels(4.6, 1, len(runs))
    sentences = []
    for axes, label, seen in titled(grid, runs):
        lines = _places(seen)
        for places in lines:
            style = MOVED if len(set(places)) > 1 else KEPT
            axes.plot(range(3), places, marker="o", linewidth=1.8, **style)
        axes.set_xticks(range(3), list(map(label_of, _MOMENTS)), fontsize=13)
        axes.set_ylim(len(lines) + 0.6, 0.4)
        axes.set_ylabel(label_of("place in the order"), fontsize=12)
        axes.grid(axis="y", color=EDGE, alpha=0.15)
        text, changed = "{label}: {n} of {all} jobs changed places", changed_places(seen)
        sentences.append(translate(text, label=label, n=changed, all=len(lines)))
    legend(
        figure,
        Line2D([], [], marker="o", label=label_of("kept its place"), **KEPT),
        Line2D([], [], marker="o", label=label_of("changed its place"), **MOVED),
    )
    return Picture.of(figure, sentence(sentences))


def _name(arguments: dict[str, Any], otherwise: str = "?") -> str:
    return str(arguments.get("name", arguments.get("comment_id", otherwise)))


def _places(seen: Timeline) -> list[tuple[int, ...]]:
    jobs = [job for job in seen.jobs if job.done]
    orders = [sorted(jobs, key=moment) for moment in _MOMENTS.values()]
    return [tuple(order.index(job) + 1 for order in orders) for job in jobs]
