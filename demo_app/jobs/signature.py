"""Which functions can be tasks, and how a job's arguments get their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from demo_app.jobs.arguments import ArgumentError

#: Reading a signature takes longer than all the rest of making a job.
_signature = cache(inspect.signature)


def check_function(function: Callable[..., Any], takes_context: bool) -> None:
    """Raises TypeError for a function that no worker could find by its name, or call."""
    if function.__name__ != function.__qualname__:
        raise TypeError(
            f"{function.__qualname__} can't be a task: a worker finds tasks by name, "
            "so they must stand at the top level of a module"
        )
    name, parameters = function.__qualname__, list(inspect.signature(function).parameters.values())
    first = parameters[0].name if parameters else ""
    if takes_context != (first == "context"):
        raise TypeError(
            f"{name}: the first parameter of a task is named `context` if it is made with "
            "takes_context=True, and only then"
        )
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} is `async def`: workers run plain functions")
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise TypeError(f"{name}: a worker calls tasks by name, and {parameter} has none")


@cache
def _names(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of the parameters; None when it takes others as well."""
    parameters = _signature(function).parameters.values()
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return None if open_ended else frozenset(one.name for one in parameters)


def bound(
    name: str,
    function: Callable[..., Any],
    takes_context: bool,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments by name, with defaults, as a worker will give them; without the context.

    Raises ArgumentError when one is missing or unknown.
    """
    if not args and not takes_context and frozenset(kwargs) == _names(function):
        return dict(kwargs)  # in a tenth of the time
    offered = (None, *args) if takes_context else args
    try:
        found = _signature(function).bind(*offered, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"{name}: {error}") from None
    found.apply_defaults()
    arguments = dict(found.arguments)
    for parameter in found.signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update(arguments.pop(parameter.name))
    if takes_context:
        del arguments["context"]
    return arguments
