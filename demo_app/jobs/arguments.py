"""Checks of a job's arguments: they must fit the function, and JSON must not change them.

A job outlives its producer, so its arguments are stored as JSON. A tuple would become a list, and a
date cannot be stored. Both are refused before the job is enqueued, for every backend.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType
from typing import Any

#: Cached, since reading a signature takes longer than the rest of creating a job.
_signature = cache(inspect.signature)


class ArgumentError(TypeError):
    """An argument does not fit the function, or JSON would change it or cannot encode it."""


def check_function(function: Callable[..., Any]) -> None:
    """Raise TypeError if a worker could not find the function by its name, or could not call it."""
    if function.__name__ != function.__qualname__:
        raise TypeError(
            f"{function.__qualname__} can't be a task: a worker finds tasks by name, "
            "so they must be at the top level of a module"
        )
    name = function.__qualname__
    if inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{name} is `async def`, but workers can only run plain functions: use `def`"
        )
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise TypeError(
                f"{name}: a worker passes arguments by name, which the parameter {parameter} "
                "does not accept. Make it an ordinary or a keyword-only parameter."
            )


@cache
def _names(function: Callable[..., Any]) -> frozenset[str] | None:
    parameters = _signature(function).parameters.values()
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return None if open_ended else frozenset(one.name for one in parameters)


def by_name(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments by name, with defaults, as a worker will pass them.

    Raises:
        ArgumentError: an argument is missing or unknown.
    """
    if not args and frozenset(kwargs) == _names(function):
        return dict(kwargs)  # ten times faster than `bind`
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
    """Return the arguments after a round trip through JSON.

    Raises:
        ArgumentError: JSON would change an argument, or cannot encode it. The message contains the
            argument's name.
    """
    return {name: _checked(task, name, value) for name, value in arguments.items()}


def _checked(task: str, name: str, value: Any) -> Any:
    if type(value) in (int, bool, NoneType) or (type(value) is str and value.isascii()):
        return value  # JSON never changes values of these types
    try:
        copy = as_it_arrives(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"{task}: the argument {name!r} is a {type(value).__name__}, which JSON "
            f"can't encode ({error}). Pass an id instead, and load the object in the job."
        ) from None
    if copy != value:
        raise ArgumentError(
            f"{task}: the argument {name!r} would arrive as {copy!r}, not as {value!r}. "
            "Use only dict with text keys, list, str, int, float, bool and None."
        )
    return copy


def as_it_arrives(value: Any) -> Any:
    """Return the value after a round trip through JSON.

    Raises:
        TypeError: JSON cannot represent the type.
        ValueError: JSON cannot represent the value.
        RecursionError: the value is nested too deeply.
    """
    if value is None:
        return None
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    return json.loads(text.encode())  # encoding refuses lone surrogates
