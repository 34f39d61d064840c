"""The figures of a campaign, as tables."""

from __future__ import annotations

from collections.abc import Sequence

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


def _times(values: Sequence[float]) -> str:
    """Return the 50th and 99th percentile and the maximum; zeros if there are no values."""
    ordered = sorted(values) or [0.0]
    last = len(ordered) - 1
    return " / ".join(f"{ordered[round(share * last)]:.2f}" for share in (0.5, 0.99, 1)) + " s"
