"""``make chaos``: a fault campaign, and the fate of every comment."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from benchmarks.table import Table
from rich.console import Console
from typer import BadParameter, Exit, Option, Typer

from chaos.campaign import Result, run
from chaos.plan import PACE, Plan
from chaos.quiescence import StillMoving
from chaos.strike import StackIsDead
from demo_app.settings import Safeguard, Transport


def chaos(
    faults: Annotated[int, Option(min=1, metavar="N", help="how many")] = 1000,
    seconds: Annotated[float, Option(min=1, metavar="S", help="no new fault after that")] = 3600.0,
    seed: Annotated[int | None, Option(help="[default: a new one, which is printed]")] = None,
    stock_only: Annotated[
        bool, Option("--stock-only", help="on Celery's own transport, and not on this project's")
    ] = False,
    without: Annotated[
        list[Safeguard] | None, Option(help="leave a safeguard out [repeatable]")
    ] = None,
    aimed: Annotated[
        bool, Option("--aimed", help="only faults against which the omitted safeguards protect")
    ] = False,
    only: Annotated[str, Option(metavar="TEXT", help="only faults with this in their name")] = "",
    pace: Annotated[float, Option(min=0.1, metavar="S", help="seconds between two faults")] = PACE,
    history: Annotated[
        Path | None, Option(metavar="FILE", help="keep what was promised, done and seen there")
    ] = None,
    patience: Annotated[
        float, Option(metavar="S", help="seconds without progress after which a mail is lost")
    ] = 30.0,
) -> None:
    """Kill, pause, fill disks and refuse mails while comments are posted, and then count.

    A checker reads only the history of the run (see --history). Exit status 0 if it finds no lost
    mail, no mail that is shown twice, and no other broken promise.
    """
    if stock_only and without:
        raise BadParameter("Stock Celery has no safeguards. Choose --stock-only or --without.")
    if aimed and not without:
        raise BadParameter("--aimed needs --without, which names the safeguards.")
    plan = Plan(
        faults,
        seconds,
        secrets.randbelow(1_000_000) if seed is None else seed,
        Transport.STOCK if stock_only else Transport.CLAIMS,
        without=frozenset(without or ()),
        aimed=aimed,
        patience=patience,
        only=only,
        pace=pace,
        history=history,
    )
    try:
        assert plan.kinds
    except ValueError as error:
        raise BadParameter(f"{error}.") from None
    console = Console(stderr=True, highlight=False)
    console.print(f"{plan.faults:,} faults, seed {plan.seed}, transport {plan.transport}")
    try:
        result = run(plan, lambda line: console.print(line, markup=False))
    except (StackIsDead, StillMoving) as error:
        console.print(f"The campaign ends early: {error}.")
        raise Exit(1) from None
    print(*(one.markdown() for one in tables(result)), sep="\n", flush=True)
    raise Exit(0 if result.held else 1)


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
        "mails sent again because the outcome of an earlier try was unknown": ledger.uncertain,
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


if __name__ == "__main__":
    program = Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    program.command()(chaos)
    program(prog_name="python -m chaos")
