"""What a job may carry: only what JSON carries unchanged, checked when the job is put in.

A queue outlives the process that filled it, so arguments travel as JSON. A tuple would come
back as a list and a date as nothing at all; better to hear of it at once, inline too.
"""

from __future__ import annotations

import json
from types import NoneType
from typing import Any

from demo_app.jobs.records import referred


class ArgumentError(TypeError):
    """A job was given an argument that would not arrive as it was sent."""


def checked(task: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as they travel: after a round trip through JSON, records as references.

    Raises ArgumentError, which names the argument, when one would change on the way.
    """
    return {name: _checked(task, name, value) for name, value in arguments.items()}


def _checked(task: str, name: str, value: Any) -> Any:
    if type(value) in (int, bool, NoneType) or (type(value) is str and value.isascii()):
        return value  # these always arrive as they were sent
    try:
        sent = referred(value)
        copy = as_it_arrives(sent)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(
            f"{task}: the argument {name!r} is a {type(value).__name__}, which JSON "
            f"can't carry ({error}). Pass its id and load it in the job."
        ) from None
    if not _same(copy, sent):
        raise ArgumentError(
            f"{task}: the argument {name!r} would arrive as {copy!r}, not as {value!r}. "
            "Use only dict with text keys, list, str, int, float, bool and None."
        )
    return copy


def as_it_arrives(value: Any) -> Any:
    """The value after a round trip through JSON.

    Raises TypeError, ValueError or RecursionError when JSON can't carry it.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    return json.loads(text.encode())  # as UTF-8: that refuses half a character (lone surrogate)


def _same(copy: Any, value: Any) -> bool:
    if type(copy) is not type(value):
        return False
    if isinstance(value, dict):
        return copy.keys() == value.keys() and all(_same(copy[key], value[key]) for key in value)
    if isinstance(value, list):
        return len(copy) == len(value) and all(map(_same, copy, value))
    return bool(copy == value)
