"""What several of the looks have in common."""

from __future__ import annotations

import time
from typing import Any

from demo_app.verification.conformance.rig import Broken, Refused, Rig


class Held:
    """Keep the one worker busy, so that what is put in meanwhile waits."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._name = rig, f"{time.time()}"

    def __enter__(self) -> None:
        if not self._rig.in_request:
            job = self._rig.put("hold", name=self._name)
            self._rig.wait_for("began", job=job)

    def __exit__(self, *_: object) -> None:
        self._rig.release(self._name)


def step(number: int, **using: Any) -> dict[str, Any]:
    """A numbered job, to be put in."""
    return {"task": "step", "arguments": {"number": number}, "using": using}


def ran(rig: Rig, ids: Any, times: int) -> bool:
    """Whether so many of these jobs ran."""
    return sum(event["job"] in ids for event in rig.events("ran")) >= times


def after_all_that_was_put_in(rig: Rig) -> None:
    """A worker that runs one job at a time has run everything before this one."""
    rig.wait_for("ran", job=rig.put("step", number=-1))


def refused(rig: Rig, kind: str, word: str, **asked: Any) -> None:
    """Expect that putting this in is refused, with that exception, and that word in it."""
    try:
        rig.ask("enqueue", **asked)
    except Refused as refused:
        expect(refused.kind == kind, f"the refusal is a {refused.kind}, not {kind}: {refused}")
        expect(word in str(refused), f"the refusal does not say {word!r}: {refused}")
    else:
        raise Broken(f"{asked} was taken without a word, and is not supported")


def expect(fine: object, otherwise: str) -> None:
    """Raises Broken with these words unless it is fine."""
    if not fine:
        raise Broken(otherwise)
