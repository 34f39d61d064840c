"""Backends and promises: ``python -m demo_app.verification.conformance [--markdown]``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from demo_app.verification.conformance.shipped import SHIPPED
from demo_app.verification.conformance.table import markdown, run


def main() -> int:
    """Run the suite and print the table; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m demo_app.verification.conformance", description=__doc__
    )
    parser.add_argument("backends", nargs="*", metavar="backend", help=f"of: {', '.join(SHIPPED)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, the default")
    given = parser.parse_args()
    if strangers := set(given.backends) - set(SHIPPED):
        parser.error(f"there is no backend {', '.join(sorted(strangers))}")
    found = run(given.backends or list(SHIPPED))
    print(json.dumps([asdict(finding) for finding in found]) if given.json else markdown(found))
    broken = [finding for finding in found if finding.problem]
    for finding in broken:
        print(f"{finding.backend}: {finding.promise}: {finding.problem}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
