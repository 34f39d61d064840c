"""``make chaos``: a fault campaign, and the count of what became of every comment."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from typer import BadParameter, Exit, Option, Typer

from chaos import table
from chaos.campaign import Result, run
from chaos.plan import PACE, Plan
from demo_app.settings import Safeguard, Transport

#: Patience with stock Celery, whose held jobs do not come back before an hour has passed.
STOCK_PATIENCE = 15.0


def chaos(
    faults: Annotated[int, Option(min=1, metavar="N", help="how many")] = 1000,
    seconds: Annotated[float, Option(min=1, metavar="S", help="no new fault after that")] = 3600.0,
    seed: Annotated[int | None, Option(help="[default: a new one, which is printed]")] = None,
    stock: Annotated[
        bool, Option("--stock", help="the same on Celery's own transport too")
    ] = False,
    stock_only: Annotated[bool, Option("--stock-only", help="on Celery's own only")] = False,
    without: Annotated[
        list[Safeguard] | None,
        Option(help="leave a safeguard out [repeatable]"),
    ] = None,
    aimed: Annotated[
        bool, Option("--aimed", help="only faults that the safeguards left out are for, or any")
    ] = False,
    only: Annotated[str, Option(metavar="TEXT", help="only faults with this in their name")] = "",
    pace: Annotated[float, Option(min=0.1, metavar="S", help="seconds between two faults")] = PACE,
    history: Annotated[
        Path | None, Option(metavar="FILE", help="keep what was promised, done and seen there")
    ] = None,
    patience: Annotated[
        float,
        Option(metavar="S", help="seconds without progress after which a mail counts as lost"),
    ] = 30.0,
    as_json: Annotated[bool, Option("--json", help="one JSON object for each campaign")] = False,
    markdown: Annotated[bool, Option("--markdown", help="print the tables as Markdown")] = False,
) -> None:
    """Kill, pause, fill disks and refuse mails while comments are posted, and then count.

    Exit status 0 only if a checker that reads nothing but what was written down (--history) finds
    no mail lost, none that shows twice, and no other promise broken.
    """
    plan = Plan(
        faults,
        seconds,
        secrets.randbelow(1_000_000) if seed is None else seed,
        without=frozenset(without or ()),
        aimed=aimed,
        patience=patience,
        only=only,
        pace=pace,
        history=history,
    )
    on_stock = replace(
        plan,
        transport=Transport.STOCK,
        without=frozenset(),
        patience=STOCK_PATIENCE,
        history=None,
    )
    try:
        assert plan.kinds
    except ValueError as error:
        raise BadParameter(f"{error}.") from None
    plans = [plan] * (not stock_only) + [on_stock] * (stock or stock_only)
    console, results = Console(stderr=True, highlight=False), []
    for one in plans:
        console.print(f"{one.faults:,} faults, seed {one.seed}, transport {one.transport}")
        results.append(run(one, lambda line: console.print(line, markup=False)))
    if as_json:
        for result in results:
            print(json.dumps(table.as_json(result)))
    if markdown:
        print(table.markdown(results))
    if not as_json and not markdown:
        _show(results)
    sys.stdout.flush()
    raise Exit(0 if results[0].held else 1)


def _show(results: list[Result]) -> None:
    console = Console(highlight=False)
    for title, rows in (("faults", table.fault_counts(results)), ("outcome", table.rows(results))):
        printed = Table(title, *table.names(results))
        for name, cells in rows:
            printed.add_row(*(cell.replace("**", "") for cell in [name, *cells]))
        console.print(printed)


if __name__ == "__main__":
    program = Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    program.command()(chaos)
    program(prog_name="python -m chaos")
