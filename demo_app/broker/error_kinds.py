"""The cause of an error in handling a job: the message, this worker, or an unavailable server."""

from traceback import walk_tb

import redis
from kombu.exceptions import OperationalError, SerializationError

from .claim import Disposition, Ending

#: Redis or the result backend is unavailable, or memory is short: the same job may succeed later.
_TEMPORARY = (redis.RedisError, OperationalError, ConnectionError, TimeoutError, MemoryError)
#: The errors that a malformed message causes in the code that reads messages.
_OF_CONTENT = (ValueError, TypeError, LookupError, AttributeError, SerializationError)
_READERS = (
    *("celery.app.", "celery.backends.base", "celery.canvas", "celery.utils.", "celery.worker."),
    *("kombu.message", "kombu.serialization", "kombu.transport.virtual.", "kombu.utils."),
    *("json.", "base64", f"{__package__}."),
)


def is_temporary(error: BaseException) -> bool:
    """Return True if the error is temporary: not caused by the job's message or this worker.

    A requested exit (SystemExit, KeyboardInterrupt) counts as temporary.
    """
    return not isinstance(error, Exception) or isinstance(error, _TEMPORARY)


def ending_of(error: BaseException) -> Ending:
    """Return the ending of a claim after an error in handling its job.

    A job whose message is unreadable, or nested too deeply, becomes dead. Any other error may be
    temporary or caused by this worker: it counts as a death of the worker, and the job runs again.
    """
    frames = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    unreadable = isinstance(error, _OF_CONTENT) and frames[-1:] and frames[-1].startswith(_READERS)
    to_blame = unreadable or isinstance(error, RecursionError)
    return Ending(Disposition.DEAD if to_blame else Disposition.LOST, reason_of(error))


def reason_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
