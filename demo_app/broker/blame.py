"""Whose an error is that kept a job from its beginning or its end: the message's, this worker's, or
that of a server which is away."""

from __future__ import annotations

from traceback import walk_tb

import redis
from kombu.exceptions import OperationalError, SerializationError

from .claim import Disposition, Ending

#: Redis, or what keeps the results, is away, or memory is short: it passes, and whatever was to be
#: done is done then.
_PASSING = (redis.RedisError, OperationalError, ConnectionError, TimeoutError, MemoryError)
#: What is wrong with a text raises one of these, where it is read.
_OF_CONTENT = (ValueError, TypeError, LookupError, AttributeError, SerializationError)
_READERS = (
    *("celery.app.", "celery.backends.base", "celery.canvas", "celery.utils.", "celery.worker."),
    *("kombu.message", "kombu.serialization", "kombu.transport.virtual.", "kombu.utils."),
    *("json.", "base64", f"{__package__}."),
)


def passes(error: BaseException) -> bool:
    """Whether it says nothing of the message, nor of this worker. An end that was asked for
    (SystemExit) is nobody's either."""
    return not isinstance(error, Exception) or isinstance(error, _PASSING)


def ending_of(error: BaseException) -> Ending:
    """How a claim ends that met this error.

    A message that can't be run is dead at once. Any other error may be the worker's: the job comes
    again; if it meets one each time, it is poison.
    """
    frames = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    unreadable = isinstance(error, _OF_CONTENT) and frames[-1:] and frames[-1].startswith(_READERS)
    to_blame = unreadable or isinstance(error, RecursionError)
    return Ending(Disposition.DEAD if to_blame else Disposition.LOST, reason_of(error))


def reason_of(error: BaseException) -> str:
    """The error in one line, for the history of the job."""
    return f"{type(error).__name__}: {error}"[:500]
