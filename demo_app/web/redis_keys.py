"""The Redis keys behind a job, as a learner can print them."""

from __future__ import annotations

from dataclasses import dataclass

from demo_app.broker.connection import Decoded
from demo_app.broker.events import JobView, State
from demo_app.broker.inspect import KEYS, lane_of_job


@dataclass(frozen=True, slots=True)
class RedisKey:
    """A key, the command that shows what it has of the job, and what Redis answers to that now."""

    name: str
    command: str
    answer: str


def redis_keys(client: Decoded, job: JobView) -> list[RedisKey]:
    """The keys that tell where the job is and what happened to it."""
    record = KEYS("job", job.id)
    keys = [RedisKey(record, f"LLEN {record}", str(client.llen(record)))]
    if job.state in (State.QUEUED, State.RUNNING):
        lane = lane_of_job(client, job.id)
        waits = job.state is State.QUEUED
        place = KEYS("queue", lane) if waits else KEYS("claims", lane, job.owner or "")
        found = client.lpos(place, job.id)
        return [*keys, RedisKey(place, f"LPOS {place} {job.id}", _shown(found))]
    state = str(job.state)
    return [
        *keys,
        RedisKey(state, f"ZSCORE {state} {job.id}", _shown(client.zscore(state, job.id))),
    ]


def _shown(answer: object) -> str:
    return "(nil)" if answer is None else str(answer)
