"""The command that tests the promises of backends: ``python -m demo_app.conformance``."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from demo_app.conformance.suite import check_backend
from demo_app.markdown import table
from demo_app.settings import known_backends


def main(
    backends: Annotated[list[str] | None, typer.Argument(help="[default: all]")] = None,
) -> None:
    """Test whether backends keep their promises. Print a table.

    Exit status 1 if a promise is broken.
    """
    names = backends or known_backends()
    with ThreadPoolExecutor(2) as pool:
        columns = list(pool.map(check_backend, names))
    rows = ([row[0].promise, *(one.seen for one in row)] for row in zip(*columns, strict=True))
    print(table(["promise", *names], rows))
    broken = [finding for column in columns for finding in column if finding.problem]
    for finding in broken:
        print(f"{finding.backend}: {finding.promise}: {finding.problem}", file=sys.stderr)
    raise typer.Exit(1 if broken else 0)


if __name__ == "__main__":
    typer.run(main)
