"""arq on Redis: a blocking function runs in a thread, as its documentation advises."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from arq import create_pool
from arq.connections import ArqRedis, RedisSettings

from benchmarks.notification import send
from demo_app.broker.connection import client_url
from demo_app.settings import settings

_RUN = [sys.executable, "-m", "arq"]
LAYOUTS = {
    "two processes of four jobs": [[*_RUN, f"{__name__}.ByFour"] for _ in range(2)],
    "eight processes": [[*_RUN, f"{__name__}.ByOne"] for _ in range(8)],
}
_SETTINGS = RedisSettings.from_dsn(f"{client_url(settings().redis_url)}?db=0")
_pool: list[ArqRedis] = []


async def notify(_: dict[str, Any], **payload: str) -> None:
    """The work as a job of arq's."""
    await asyncio.to_thread(send, **payload)


class ByOne:
    """A worker of one job at a time, which looks often for the next."""

    functions = (notify,)
    redis_settings = _SETTINGS
    max_jobs = 1
    poll_delay = 0.01
    keep_result = 0


class ByFour:
    """A worker of four; arq does not look at what a class inherits."""

    functions = (notify,)
    redis_settings = _SETTINGS
    max_jobs = 4
    poll_delay = 0.01
    keep_result = 0


async def enqueue(payload: dict[str, Any]) -> None:
    """Put one job in."""
    if not _pool:
        _pool.append(await create_pool(_SETTINGS))
    await _pool[0].enqueue_job("notify", **payload)
