"""What the checks of several promises have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo_app.conformance.harness import Broken, Event, Harness, Refused


@contextmanager
def held(harness: Harness) -> Iterator[None]:
    """Keep the one worker busy, so that jobs put in within the block wait."""
    name = f"{time.time()}"
    if not harness.in_request:
        harness.wait_for("began", job=harness.put("hold", name=name))
    try:
        yield
    finally:
        harness.release(name)


def step(number: int, **using: Any) -> dict[str, Any]:
    """A numbered job, to be put in."""
    return {"task": "step", "arguments": {"number": number}, "using": using}


def wait_until_all_ran(harness: Harness, ids: list[str]) -> list[Event]:
    """Wait until each of these jobs ran; patience counts from the last one that did.

    Returns what they wrote down, oldest first. Raises Broken when no further one runs.
    """

    seen: list[Event] = []

    def one_more() -> bool:
        nonlocal seen
        before = len(seen)
        seen = [event for event in harness.events("ran") if event["job"] in ids]
        return len(seen) > before

    while len(seen) < len(ids):
        harness.until(one_more, f"job {len(seen) + 1} of {len(ids)}")
    return seen


def refused(harness: Harness, kind: str, word: str, **asked: Any) -> None:
    """Expect that putting this in is refused with that exception, whose text has that word."""
    try:
        harness.ask("enqueue", **asked)
    except Refused as refused:
        expect(refused.kind == kind, f"the refusal is a {refused.kind}, not {kind}: {refused}")
        expect(word in str(refused), f"the refusal does not say {word!r}: {refused}")
    else:
        raise Broken(f"{asked} was taken without an error, and is not supported")


def expect(fine: object, otherwise: str) -> None:
    """Raises Broken with the text `otherwise` unless it is fine."""
    if not fine:
        raise Broken(otherwise)
