"""The cause of an error that stopped a job: its message, this worker, or an unavailable server."""

from __future__ import annotations

from traceback import walk_tb

import redis
from kombu.exceptions import OperationalError, SerializationError

from .claim import Disposition, Ending

#: Redis or the result backend is unavailable, or memory is short: the same job may succeed later.
_PASSING = (redis.RedisError, OperationalError, ConnectionError, TimeoutError, MemoryError)
#: A malformed message raises one of these in the code that reads it.
_OF_CONTENT = (ValueError, TypeError, LookupError, AttributeError, SerializationError)
_READERS = (
    *("celery.app.", "celery.backends.base", "celery.canvas", "celery.utils.", "celery.worker."),
    *("kombu.message", "kombu.serialization", "kombu.transport.virtual.", "kombu.utils."),
    *("json.", "base64", f"{__package__}."),
)


def passes(error: BaseException) -> bool:
    """Return True if neither the message nor this worker is the cause of the error.

    This includes a requested exit (SystemExit).
    """
    return not isinstance(error, Exception) or isinstance(error, _PASSING)


def ending_of(error: BaseException) -> Ending:
    """Return the end of a claim after this error.

    A job with an unreadable message is dead. The cause of any other error may be this worker: the
    job runs again, and is poison if it fails each time.
    """
    frames = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    unreadable = isinstance(error, _OF_CONTENT) and frames[-1:] and frames[-1].startswith(_READERS)
    to_blame = unreadable or isinstance(error, RecursionError)
    return Ending(Disposition.DEAD if to_blame else Disposition.LOST, reason_of(error))


def reason_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
