"""Backends and promises: ``python -m demo_app.conformance``."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from demo_app.conformance.suite import PROMISES, Finding, check_backend
from demo_app.jobs.backend import known_backends
from demo_app.markdown import table


def markdown(found: list[Finding]) -> str:
    """The table as Markdown: one row a promise, one column a backend."""
    backends = list(dict.fromkeys(finding.backend for finding in found))
    seen = {(finding.promise, finding.backend): finding.seen for finding in found}
    names = [promise.name for promise in PROMISES]
    rows = ([name, *(seen.get((name, backend), "") for backend in backends)] for name in names)
    return table(["promise", *backends], rows)


def main(
    backends: Annotated[list[str] | None, typer.Argument(help="[default: all]")] = None,
) -> None:
    """Hold backends to their promises, and print the table; exit status 1 if one is broken."""
    with ThreadPoolExecutor(2) as pool:  # so many backends at a time
        found = [
            one for all_ in pool.map(check_backend, backends or known_backends()) for one in all_
        ]
    print(markdown(found))
    broken = [finding for finding in found if finding.problem]
    for finding in broken:
        print(f"{finding.backend}: {finding.promise}: {finding.problem}", file=sys.stderr)
    raise typer.Exit(1 if broken else 0)


if __name__ == "__main__":
    typer.run(main)
