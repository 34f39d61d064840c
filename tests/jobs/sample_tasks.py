"""Tasks for the tests of the job layer; a task has to stand at the top of a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from demo_app.jobs import (
    Context,
    Job,
    around_enqueue,
    around_perform,
    by_reference,
    discard_on,
    retry_on,
    task,
)

heard: list[str] = []


@dataclass(frozen=True)
class Book:
    id: int
    title: str


shelf: dict[int, Book] = {}
by_reference(Book, shelf.__getitem__)


@task
def add(left: int, right: int = 1) -> int:
    heard.append(f"{left} + {right}")
    return left + right


@task(queue_name="mail", priority=3)
def urgent() -> None:
    heard.append("urgent")


@task
def collect(first: int, **others: int) -> int:
    return first + sum(others.values())


@task(takes_context=True)
def which_try(context: Context, name: str) -> str:
    return f"{name} {context.attempt} {context.job.id}"


@task
def read(books: list[Book]) -> str:
    return ", ".join(book.title for book in books)


@task
def enqueue_another() -> None:
    add.enqueue(20, 22)


@task
@discard_on(KeyError)
@retry_on(ValueError, attempts=2, first=0.01)
def fail(kind: str) -> None:
    raise {"key": KeyError, "value": ValueError, "other": OSError}[kind](kind)


@contextmanager
def listening(job: Job) -> Iterator[None]:
    heard.append("before")
    try:
        yield
    except Exception as error:
        heard.append(f"after {error}")
        raise
    else:
        heard.append("after")


@contextmanager
def inside(job: Job) -> Iterator[None]:
    heard.append("inside")
    yield


@contextmanager
def refusing(job: Job) -> Iterator[None]:
    raise PermissionError("not on a Sunday")
    yield


@task
@around_perform(listening)
@around_perform(inside)
def listened_to(fails: bool = False) -> None:
    heard.append("run")
    if fails:
        raise ValueError("it failed")


@task
@around_enqueue(listening)
def listened_to_at_the_door() -> None:
    heard.append("run")


@task
@around_enqueue(refusing)
def refused_at_the_door() -> None:
    heard.append("run")
