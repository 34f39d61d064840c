"""The figures of a campaign, as tables and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.table import Table

from chaos.campaign import Result


def tables(result: Result) -> list[Table]:
    title = "stock Celery" if result.plan.stock else "this project"
    title += "".join(f", without {safeguard}" for safeguard in sorted(result.plan.without))
    faults = [[name, f"{count:,}"] for name, count in result.by_kind.items()]
    return [
        Table("Outcome", ["", title], _rows(result)),
        Table("Faults by kind", ["", title], faults),
    ]


def _rows(result: Result) -> list[list[str]]:
    ledger, stock = result.ledger, result.plan.stock
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(ledger.reasons.items()))
    found = ", ".join(f"{len(what)} {how}" for how, what in sorted(result.broken.items()))
    counts = {
        "faults": len(result.faults),
        "comments stored": ledger.comments,
        "promised with a 201 and not stored": result.count("not stored"),
        "their mails arrived": ledger.arrived,
        "**lost**": result.count("lost") - ledger.late,
        "late: held until the visibility timeout ends": ledger.late,
        "**visible duplicates**": result.count("seen twice"),
        "duplicates suppressed by the inbox": ledger.suppressed,
        "uncertain: sent again, since nobody could know": ledger.uncertain,
    }
    journal = {
        "sent by a worker that had lost the job": f"{result.count('stale'):,}",
        "acknowledged too late, and ignored": f"{ledger.acknowledged_late:,}",
        "given up, and retried by a person": reasons or "0",
    }
    return [
        *([name, f"{count:,}"] for name, count in counts.items()),
        *([name, "not recorded" if stock else text] for name, text in journal.items()),
        ["comment to mail, p50 / p99 / max", _times(ledger.travels)],
        ["the checker found", found or "nothing"],
        ["the promise held", "yes" if result.held else "**no**"],
        ["seed", str(result.plan.seed)],
        ["took", f"{result.seconds / 60:.1f} min"],
    ]


def as_json(result: Result) -> dict[str, Any]:
    ledger = result.ledger
    return {
        "transport": result.plan.transport,
        "without": sorted(result.plan.without),
        "seed": result.plan.seed,
        "faults": len(result.faults),
        "by_kind": result.by_kind,
        "comments": ledger.comments,
        "distinct_mails": ledger.arrived,
        "lost": result.count("lost") - ledger.late,
        "late": ledger.late,
        "visible_duplicates": result.count("seen twice"),
        "suppressed_duplicates": ledger.suppressed,
        "uncertain": ledger.uncertain,
        "stale": result.count("stale"),
        "acknowledged_late": ledger.acknowledged_late,
        "by_hand": ledger.reasons,
        "conserved": ledger.conserved,
        "missing": list(result.missing),
        "broken": result.broken,
        "held": result.held,
        "seconds": round(result.seconds, 1),
    }


def _times(values: Sequence[float]) -> str:
    return " / ".join(f"{at:.2f}" for at in _percentiles(values)) + " s"


def _percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the 50th and 99th percentile and the maximum; zeros if there are no values."""
    largest = max(values, default=0.0)
    if len(values) < 2:
        return largest, largest, largest
    at = statistics.quantiles(values, n=100, method="inclusive")
    return at[49], at[98], largest
