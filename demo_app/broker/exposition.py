"""Metrics in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping

from .events import State
from .snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: A metric's name, its label ("" for none), and its values by the label's value.
Metric = tuple[str, str, Mapping[str, float]]


def exposition(metrics: Iterable[Metric]) -> str:
    """Return the text of these metrics. A metric is a counter if its name ends with ``_total``.

    https://prometheus.io/docs/practices/naming/
    """
    lines = []
    for name, label, values in metrics:
        lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        for key, value in values.items():
            labels = f'{{{label}="{_escaped(key)}"}}' if label else ""
            lines.append(f"{name}{labels} {value}")
    return "\n".join(lines) + "\n"


def metrics_of(seen: Snapshot) -> Iterator[Metric]:
    """Yield the metrics of the queues, jobs and workers.

    Args:
        seen: a snapshot with histories; without them each queue's latency is 0.
    """
    found = seen.queues()
    yield "claims_queue_length", "queue", {one.name: one.size for one in found}
    yield "claims_queue_age_seconds", "queue", {one.name: round(one.latency, 3) for one in found}
    yield "claims_jobs", "state", {state.value: seen.count[state] for state in State}
    yield "claims_jobs_enqueued_total", "", {"": seen.count["enqueued"]}
    yield "claims_jobs_late_total", "", {"": seen.count["late"]}
    yield "claims_jobs_conserved", "", {"": int(seen.conserved)}
    alive = sum(worker.alive for worker in seen.workers)
    yield "claims_workers", "state", {"alive": alive, "silent": len(seen.workers) - alive}


def _escaped(text: str) -> str:
    """Escape backslashes, quotes and line feeds in a label's value.

    https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information
    """
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
