"""What a job may carry: arguments that fit the function, and only what JSON carries unchanged.

A queue outlives the process that filled it, so arguments travel as JSON. A tuple would come
back as a list and a date as nothing at all. Both are refused when the job is put in, on every
backend alike.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType
from typing import Any

#: Reading a signature takes longer than all the rest of making a job.
_signature = cache(inspect.signature)


class ArgumentError(TypeError):
    """A job was given an argument that does not fit, or would not arrive as it was sent."""


def check_function(function: Callable[..., Any]) -> None:
    """Raises TypeError for a function that no worker could find by its name, or call."""
    if function.__name__ != function.__qualname__:
        raise TypeError(
            f"{function.__qualname__} can't be a task: a worker finds tasks by name, "
            "so they must be at the top level of a module"
        )
    name = function.__qualname__
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{name} is `async def`: workers run plain functions")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise TypeError(f"{name}: a worker calls tasks by name, and {parameter} has none")


@cache
def _names(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names of the parameters; None when it takes others as well."""
    parameters = _signature(function).parameters.values()
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return None if open_ended else frozenset(one.name for one in parameters)


def by_name(
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments by name, with defaults, as a worker will give them.

    Raises ArgumentError when one is missing or unknown.
    """
    if not args and frozenset(kwargs) == _names(function):
        return dict(kwargs)  # in a tenth of the time
    try:
        found = _signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise ArgumentError(f"{name}: {error}") from None
    found.apply_defaults()
    arguments = dict(found.arguments)
    for parameter in found.signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update(arguments.pop(parameter.name))
    return arguments


def checked(task: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as they travel: after a round trip through JSON.

    Raises ArgumentError, which names the argument, when one would change on the way.
    """
    return {name: _checked(task, name, value) for name, value in arguments.items()}


def _checked(task: str, name: str, value: Any) -> Any:
    if type(value) in (int, bool, NoneType) or (type(value) is str and value.isascii()):
        return value  # these always arrive as they were sent
    try:
        copy = as_it_arrives(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"{task}: the argument {name!r} is a {type(value).__name__}, which JSON "
            f"can't carry ({error}). Pass its id and load it in the job."
        ) from None
    if copy != value:
        raise ArgumentError(
            f"{task}: the argument {name!r} would arrive as {copy!r}, not as {value!r}. "
            "Use only dict with text keys, list, str, int, float, bool and None."
        )
    return copy


def as_it_arrives(value: Any) -> Any:
    """The value after a round trip through JSON.

    Raises TypeError, ValueError or RecursionError when JSON can't carry it.
    """
    if value is None:
        return None
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    return json.loads(text.encode())  # as UTF-8: that refuses half a character (lone surrogate)
