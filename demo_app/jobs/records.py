"""Records as arguments: the id travels, the worker loads the record (Rails calls it GlobalID).

A job that carried the record itself would work with what was true when it was put in. One that
carries the id works with what is true when it runs, and when the record is gone by then, there
is nothing left to do: the job is discarded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Record = TypeVar("Record")

#: The key by which a reference is known among the arguments; a dict of one's own can't have it.
KEY = "_record"


class RecordGone(LookupError):
    """The record that a job is about was deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    load: Callable[[Any], Any]
    id_of: Callable[[Any], Any]


_kinds: dict[type, _Kind] = {}


def by_reference(
    record_type: type[Record],
    load: Callable[[Any], Record | None],
    id_of: Callable[[Record], int | str] = lambda record: record.id,  # type: ignore[attr-defined]
) -> None:
    """From now on, records of this type travel as their id.

    load: finds the record with that id; None, or a LookupError, says that it is gone.
    """
    _kinds[record_type] = _Kind(record_type.__name__, load, id_of)


def referred(value: Any) -> Any:
    """The value with references in place of records, in lists and dicts too.

    Raises ValueError for a dict that looks like a reference and is none.
    """
    kind = _kinds.get(type(value))
    if kind is not None:
        return {KEY: kind.name, "id": kind.id_of(value)}
    if type(value) is list:
        return [referred(item) for item in value]
    if type(value) is dict:
        if KEY in value:
            raise ValueError(f"the key {KEY!r} is kept for references to records")
        return {key: referred(item) for key, item in value.items()}
    return value


def loaded(value: Any) -> Any:
    """The value with records in place of references.

    Raises RecordGone, and LookupError for a kind of record that is unknown here.
    """
    if isinstance(value, list):
        return [loaded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if KEY not in value:
        return {key: loaded(item) for key, item in value.items()}
    name, record_id = value[KEY], value["id"]
    for kind in _kinds.values():
        if kind.name == name:
            return _load(kind, record_id)
    raise KeyError(f"no records of the kind {name!r} are known here; see by_reference")


def _load(kind: _Kind, record_id: Any) -> Any:
    try:
        record = kind.load(record_id)
    except LookupError:
        record = None
    if record is None:
        raise RecordGone(f"the {kind.name} {record_id} is not there any more")
    return record
