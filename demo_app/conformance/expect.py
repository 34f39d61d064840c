"""What the checks of several promises have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from demo_app.conformance.harness import NEVER, Broken, Harness
from demo_app.conformance.sample_tasks import hold


@contextmanager
def held(harness: Harness) -> Iterator[None]:
    """Keep the one worker busy, so that jobs put in within the block wait."""
    name = f"{time.time()}"
    if not harness.in_request:
        harness.put(hold.job(name))
        harness.wait_for("began", name=name)
    try:
        yield
    finally:
        harness.release(name)


def refused(kind: type[Exception], word: str, act: Callable[[], object]) -> None:
    """Expect that this raises that exception, whose text has that word."""
    try:
        act()
    except Broken:
        raise
    except Exception as error:
        expect(type(error) is kind, f"the refusal is a {type(error).__name__}: {error}")
        expect(word in str(error), f"the refusal does not say {word!r}: {error}")
    else:
        raise Broken("what is not supported was taken without an error")


def expect(fine: object, otherwise: str) -> None:
    """Raises Broken with the text `otherwise` unless it is fine."""
    if not fine:
        raise Broken(otherwise)


def never(seen: Callable[[], bool], what: str) -> None:
    """Expect that it is not seen within some time."""
    deadline = time.monotonic() + NEVER
    while time.monotonic() < deadline:
        expect(not seen(), f"there was {what}")
        time.sleep(0.02)
