"""Hold a backend to its promises, one after the other, and tell what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from demo_app.verification.conformance.promises import PROMISES, Promise
from demo_app.verification.conformance.rig import Broken, Rig, Subject


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one promise; `problem` is empty when it was kept."""

    backend: str
    promise: str
    seen: str
    problem: str = ""


class Rigs:
    """Rigs for one subject: shared by the promises that leave each other alone."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._shared: dict[int, Rig] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Rigs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def see(self, promise: Promise) -> str:
        """Look whether the promise is kept; returns what was seen.

        Raises Broken when it is not.
        """
        if promise.apart:
            with Rig(self.subject, promise.concurrency) as rig:
                return promise.see(rig)
        shared = self._shared.get(promise.concurrency)
        if shared is None:
            shared = self._stack.enter_context(Rig(self.subject, promise.concurrency))
            shared.start_worker()
            self._shared[promise.concurrency] = shared
        return promise.see(shared)


def findings(subject: Subject, promises: Iterable[Promise] = PROMISES) -> Iterator[Finding]:
    """What is seen of each promise."""
    with Rigs(subject) as rigs:
        for promise in promises:
            try:
                yield Finding(subject.name, promise.name, rigs.see(promise))
            except Broken as broken:
                yield Finding(subject.name, promise.name, "broken", str(broken))


def check_backend(
    make: str,
    *,
    worker: tuple[str, ...] = (),
    path: tuple[str, ...] = (),
    promises: Iterable[Promise] = PROMISES,
) -> list[Finding]:
    """Hold any backend to what it promises: with real processes, some of which are killed.

    make: ``module:callable`` that makes it of the settings, in a file that another process can
    import. path: the folders of such files. worker: the command that runs its jobs, when they
    don't run in the process that puts them in.
    Returns what was seen of each promise; a kept one has no `problem`. Takes about half a minute.
    """
    return list(findings(Subject(make, make, worker, path=path), promises))
