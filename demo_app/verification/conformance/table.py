"""The table of backends and promises, from a run of the suite."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from demo_app.verification.conformance.promises import PROMISES
from demo_app.verification.conformance.shipped import SHIPPED
from demo_app.verification.conformance.suite import Finding, findings

Row = dict[str, str]


def run(backends: list[str], at_once: int = 2) -> list[Finding]:
    """Hold these backends to their promises, so many of them at a time."""
    with ThreadPoolExecutor(at_once) as pool:
        found = pool.map(lambda name: list(findings(SHIPPED[name])), backends)
        return [finding for each in found for finding in each]


def rows(found: list[Finding]) -> list[Row]:
    """One row a promise: its name, and what was seen of each backend."""
    backends = list(dict.fromkeys(finding.backend for finding in found))
    seen = {(finding.promise, finding.backend): finding.seen for finding in found}
    return [
        {"promise": promise.name, **{name: seen.get((promise.name, name), "") for name in backends}}
        for promise in PROMISES
    ]


def markdown(found: list[Finding]) -> str:
    """The table as Markdown."""
    table = rows(found)
    titles = list(table[0])
    lines = [titles, ["---"] * len(titles), *(list(row.values()) for row in table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
