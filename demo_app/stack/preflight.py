"""The check of an external Redis before a stack starts on it.

An unsuitable server would lose jobs later without an error, for example if it evicts keys.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import redis

from demo_app.blog.database import DatabaseMissing
from demo_app.blog.opening import check_server
from demo_app.broker.connection import Decoded, connect, masked
from demo_app.broker.rights import refusal
from demo_app.rig.process import StackError

#: The oldest version that has every command of the scripts (LMPOP).
OLDEST = 7


def check(url: str) -> str:
    """Check that a Redis server can be used for the queue. Return a warning, or "" for none.

    Raises:
        StackError: the server cannot be used. The message contains the reason.
    """
    where = masked(url)
    try:
        with closing(connect(url, timeout=5.0)) as client:
            return _check(client, where)
    except ValueError as error:
        raise StackError(f"{where!r} is not a Redis URL: {error}") from None
    except redis.AuthenticationError as error:
        problem = "requires a password" if where == url else "rejects the password"
        raise StackError(f"The Redis server at {where} {problem}: {error}") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StackError(f"No Redis server answers at {where}: {error}") from None
    except redis.RedisError as error:
        raise StackError(f"The Redis server at {where} can't keep the queue: {error}.") from None


def check_database(url: str) -> str:
    """Return the version of a database server. Raise StackError if the server cannot be used."""
    try:
        return check_server(url)
    except DatabaseMissing as error:
        raise StackError(f"The blog's database: {error}.") from None


def _check(client: Decoded, where: str) -> str:
    info = client.info()
    require_suitable(info, where)
    if lacks := refusal(client):
        raise StackError(lacks)
    if info.get("aof_enabled"):
        return ""
    return (
        f"The Redis server at {where} keeps no append-only file: when it is killed it loses "
        "jobs. The outbox has those of comments; others are gone."
    )


def require_suitable(info: Mapping[str, Any], where: str) -> None:
    """Raise StackError if the server's version, role or settings do not suit the queue.

    Args:
        info: the server's reply to INFO.
        where: the server's URL, for the message.
    """
    version, policy = str(info["redis_version"]), info.get("maxmemory_policy", "noeviction")
    why = ""
    if int(version.partition(".")[0]) < OLDEST:
        why = f"is Redis {version}, and the queue needs {OLDEST} or later"
    elif "sentinel_masters" in info:
        why = "is a Sentinel: use a URL such as sentinel://host:26379/name"
    elif info.get("role") != "master":
        why = "is a replica, which does not accept jobs: use the URL of its primary"
    elif policy != "noeviction":
        why = (
            f"evicts keys, and so jobs, when its memory is full (maxmemory-policy {policy}): "
            "set maxmemory-policy to noeviction"
        )
    if why:
        raise StackError(f"The Redis server at {where} {why}.")
