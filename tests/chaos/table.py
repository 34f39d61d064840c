"""The figures of campaigns, side by side, for people and for machines."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from chaos.campaign import Result
from demo_app.markdown import table

Row = tuple[str, list[str]]


def rows(results: Sequence[Result]) -> list[Row]:
    """The figures, one row each."""
    ledgers = [result.ledger for result in results]

    def counted(name: str) -> list[str]:
        return [f"{getattr(ledger, name):,}" for ledger in ledgers]

    found: list[Row] = [
        ("faults", [f"{len(result.faults):,}" for result in results]),
        ("comments stored", counted("comments")),
        ("promised with a 201 and not stored", counted("unstored")),
        ("their mails arrived", counted("mails")),
        ("**lost**", counted("lost")),
        ("of these, held until the visibility timeout ends", counted("waiting")),
        ("**visible duplicates**", counted("duplicates")),
        ("duplicates suppressed by the inbox", counted("suppressed")),
        ("uncertain: sent again, since nobody could know", counted("uncertain")),
        ("sent by a worker that had lost the job", [_stale(result) for result in results]),
        ("acknowledged too late, and ignored", _ours(results, "late")),
        ("given up by rule, brought back by hand", [_by_hand(result) for result in results]),
        ("recovery, p50 / p99 / max", [_recovery(result) for result in results]),
        ("comment to mail, p50 / p99 / max", [_latencies(result) for result in results]),
        ("the checker found", [_broken(result) for result in results]),
        ("the promise held", ["yes" if result.held else "**no**" for result in results]),
        ("seed", [str(result.plan.seed) for result in results]),
        ("took", [f"{result.seconds / 60:.1f} min" for result in results]),
    ]
    return found


def fault_counts(results: Sequence[Result]) -> list[Row]:
    """How many faults of each kind there were."""
    counts = [result.by_kind for result in results]
    names = sorted({name for count in counts for name in count})
    return [(name, [f"{count.get(name, 0):,}" for count in counts]) for name in names]


def names(results: Sequence[Result]) -> list[str]:
    """A heading for each campaign."""
    return [
        ("stock Celery" if result.plan.stock else "this project")
        + "".join(f", without {safeguard}" for safeguard in sorted(result.plan.without))
        for result in results
    ]


def markdown(results: Sequence[Result]) -> str:
    """Both tables, as Markdown."""
    heads = names(results)
    rule = ["---", *("---:" for _ in heads)]
    return "\n\n".join(
        table([title, *heads], ([name, *cells] for name, cells in found), rule)
        for title, found in (("outcome", rows(results)), ("faults by kind", fault_counts(results)))
    )


def as_json(result: Result) -> dict[str, Any]:
    """The figures of one campaign."""
    ledger = result.ledger
    return {
        "transport": result.plan.transport,
        "without": sorted(result.plan.without),
        "seed": result.plan.seed,
        "faults": len(result.faults),
        "by_kind": result.by_kind,
        "comments": ledger.comments,
        "distinct_mails": ledger.mails,
        "lost": ledger.lost + ledger.unstored,
        "visible_duplicates": ledger.duplicates,
        "suppressed_duplicates": ledger.suppressed,
        "uncertain": ledger.uncertain,
        "stale": len(result.broken.get("stale", ())),
        "late": ledger.late,
        "by_hand": ledger.by_hand,
        "conserved": ledger.conserved,
        "recovery_s": {
            name: round(at, 3)
            for name, at in zip(("p50", "p99", "max"), _percentiles(_seconds(result)), strict=True)
        },
        "missing": list(result.missing),
        "broken": result.broken,
        "held": result.held,
        "seconds": round(result.seconds, 1),
    }


def _ours(results: Sequence[Result], name: str) -> list[str]:
    return [
        "not recorded" if result.plan.stock else f"{getattr(result.ledger, name):,}"
        for result in results
    ]


def _stale(result: Result) -> str:
    return "not recorded" if result.plan.stock else f"{len(result.broken.get('stale', ())):,}"


def _broken(result: Result) -> str:
    found = ", ".join(f"{len(what)} {how}" for how, what in sorted(result.broken.items()))
    return found or "nothing"


def _by_hand(result: Result) -> str:
    reasons = ", ".join(f"{count} {why}" for why, count in sorted(result.ledger.by_hand.items()))
    return "not recorded" if result.plan.stock else reasons or "0"


def _recovery(result: Result) -> str:
    times = _times(_seconds(result))
    timeout = f"workers' jobs: {result.plan.patience:.0f} s were not enough"
    return f"{times}; {timeout}" if result.plan.stock and result.ledger.lost else times


def _seconds(result: Result) -> list[float]:
    return [recovery.seconds for recovery in result.recoveries]


def _times(values: Sequence[float]) -> str:
    return " / ".join(f"{at:.2f}" for at in _percentiles(values)) + " s"


def _percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """What half of them, and what 99 of 100, do not exceed, and the largest; 0 for none."""
    largest = max(values, default=0.0)
    if len(values) < 2:
        return largest, largest, largest
    at = statistics.quantiles(values, n=100, method="inclusive")
    return at[49], at[98], largest


def _latencies(result: Result) -> str:
    return _times([arrived - written for written, arrived in result.ledger.travels])
