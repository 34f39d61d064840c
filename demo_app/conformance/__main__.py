"""Backends and promises: ``python -m demo_app.conformance [--markdown]``."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from demo_app.conformance.suite import PROMISES, Finding, findings
from demo_app.conformance.targets import shipped
from demo_app.jobs.backend import known_backends
from demo_app.markdown import table


def markdown(found: list[Finding]) -> str:
    """The table as Markdown: one row a promise, one column a backend."""
    backends = list(dict.fromkeys(finding.backend for finding in found))
    seen = {(finding.promise, finding.backend): finding.seen for finding in found}
    names = [promise.name for promise in PROMISES]
    rows = ([name, *(seen.get((name, backend), "") for backend in backends)] for name in names)
    return table(["promise", *backends], rows)


def main() -> int:
    """Run the suite and print the table; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m demo_app.conformance", description=__doc__)
    known = known_backends()
    parser.add_argument("backends", nargs="*", metavar="backend", help=f"of: {', '.join(known)}")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, as it does anyway")
    given = parser.parse_args()
    if unknown := set(given.backends) - set(known):
        parser.error(f"there is no backend {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(2) as pool:  # so many backends at a time
        all_found = pool.map(lambda name: list(findings(shipped(name))), given.backends or known)
        found = [finding for each in all_found for finding in each]
    print(markdown(found))
    broken = [finding for finding in found if finding.problem]
    for finding in broken:
        print(f"{finding.backend}: {finding.promise}: {finding.problem}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
