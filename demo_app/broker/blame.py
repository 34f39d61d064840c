"""Whether a message is to blame for an error: then it is dead, so that it can't come again without
end, and the next one runs."""

from __future__ import annotations

import redis
from kombu.exceptions import OperationalError

#: The message may be a good one: Redis, or what keeps the results, is away, or memory is short.
_ELSEWHERE = (redis.RedisError, OperationalError, ConnectionError, TimeoutError, MemoryError)


def is_to_blame(error: BaseException) -> bool:
    """Whether the message can never be run. An end that was asked for (SystemExit) is nobody's."""
    return isinstance(error, Exception) and not isinstance(error, _ELSEWHERE)


def reason_of(error: BaseException) -> str:
    """The error in one line, for the history of the job."""
    return f"{type(error).__name__}: {error}"[:500]
