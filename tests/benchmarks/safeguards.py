"""What each safeguard costs: the same work with it and without it, in turn."""

from __future__ import annotations

import statistics

from benchmarks.measuring import measure
from benchmarks.table import Table, median_and_spread
from demo_app.stack.options import Options

ROUNDS = 3
WAYS: dict[str, tuple[dict[str, str], Options]] = {
    "all safeguards": ({}, Options()),
    "without rescue": ({"DEMO_WITHOUT": "rescue"}, Options()),
    "without the lease check": ({"DEMO_WITHOUT": "lease"}, Options()),
    "without the atomic claim": ({"DEMO_WITHOUT": "atomic_claim"}, Options()),
    "without the append-only file": ({}, Options(persistence=False)),
    "with fsync at every write": ({}, Options(appendfsync="always")),
}


def run() -> list[Table]:
    """One table: mails a second."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, (settings, options) in WAYS.items():
            found[name].append(measure("ours", settings=settings, options=options).mails)
    whole = statistics.median(found["all safeguards"])
    rows = []
    for name, rates in found.items():
        share = statistics.median(rates) / whole
        rows.append([name, *median_and_spread(rates), f"{share:.2f}"])
    columns = ["", "mails a second", "spread", "of all"]
    return [Table("The same work with less care, and with more", columns, rows)]
