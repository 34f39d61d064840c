"""Steps that say what they ask of Redis, so that what several ask is one round trip."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, TypeVar

from .lua import Call, Scripts

P = ParamSpec("P")
T = TypeVar("T")
#: A step: it says what it asks, once at the most, and gets the answer.
Asking = Generator[Call, Any, T]


class Asker:
    """Asks what steps say. scripts: has what they name."""

    scripts: Scripts

    def take(self, step: Asking[T]) -> T:
        """Take a step by itself. It asks once at the most."""
        with closing(step):
            try:
                step.send(self.scripts.run(*next(step)))
            except StopIteration as end:
                taken: T = end.value
                return taken
        raise RuntimeError("a step asks twice")


A = TypeVar("A", bound=Asker)


def alone(
    step: Callable[Concatenate[A, P], Asking[T]],
) -> Callable[Concatenate[A, P], T]:
    """The same step as a method that asks by itself."""

    def take(self: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.take(step(self, *args, **kwargs))

    return take
