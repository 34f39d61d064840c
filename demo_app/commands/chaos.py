"""``chaos``: a fault campaign, and the count of what became of every comment."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from demo_app.settings import Safeguard, Transport
from demo_app.stack import StackError
from demo_app.verification.chaos import table
from demo_app.verification.chaos.campaign import Plan, Result
from demo_app.verification.chaos.campaign import run as campaign

#: Patience with stock Celery, whose held jobs do not come back before an hour has passed.
STOCK_PATIENCE = 15.0


def add_to(commands: Any) -> None:
    """Add this command's words to the command line."""
    parser = commands.add_parser(
        "chaos",
        help="a thousand faults, and what became of every mail",
        description="Kill, pause, fill disks and refuse mails, while comments are posted; then "
        "count. Exit status 0 only if nothing was lost and no mail shows twice.",
    )
    add = parser.add_argument
    add("--faults", type=int, default=1000, metavar="N", help="default: 1000")
    add("--seconds", type=float, default=3600.0, metavar="S", help="no new fault after that")
    add("--seed", type=int, help="default: a new one, which is printed")
    add("--stock", action="store_true", help="the same on Celery's own transport, beside it")
    add("--stock-only", action="store_true", help="on Celery's own transport only")
    add(
        "--without",
        action="append",
        default=[],
        type=Safeguard,
        choices=list(Safeguard),
        help="leave a safeguard out, and aim at what it is there for (repeatable)",
    )
    add("--aimed", action="store_true", help="aim at all safeguards in turn, and leave none out")
    add(
        "--patience",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds without progress after which a mail counts as lost; default: 30",
    )
    add("--json", action="store_true", help="print one JSON object for each campaign")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run the campaign; 0 only if the promise held."""
    if given.faults < 1 or given.seconds <= 0:
        raise StackError("There must be at least one fault, and some time for it.")
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    console = Console(stderr=True, highlight=False)
    plan = Plan(
        given.faults,
        given.seconds,
        seed,
        without=frozenset(given.without),
        aimed=given.aimed,
        patience=given.patience,
    )
    stock = replace(plan, transport=Transport.STOCK, without=frozenset(), patience=STOCK_PATIENCE)
    results: list[Result] = []
    for chosen in [plan] * (not given.stock_only) + [stock] * (given.stock or given.stock_only):
        console.print(f"{chosen.faults:,} faults, seed {seed}, transport {chosen.transport}")
        results.append(campaign(chosen, lambda line: console.print(line, markup=False)))
    if given.json:
        for result in results:
            print(json.dumps(table.as_json(result)))
    if given.markdown:
        print(table.markdown(results))
    if not given.json and not given.markdown:
        _show(results)
    sys.stdout.flush()
    return 0 if results[0].ledger.held else 1


def _show(results: list[Result]) -> None:
    console = Console(highlight=False)
    for title, shown in (("faults", table.kinds(results)), ("outcome", table.rows(results))):
        printed = Table(title, *table.names(results))
        for name, cells in shown:
            printed.add_row(*(cell.replace("**", "") for cell in [name, *cells]))
        console.print(printed)
