"""Random schedules of the queue's scripts, and their results on a real server."""

import json
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import redis

from demo_app.broker.fold import STATE_AFTER
from demo_app.broker.lua import Scripts
from demo_app.broker.options import DEFAULTS

WORKERS, LISTS, IDS = ("w-1", "w-2"), ("mail", "mail/high"), tuple("abcdef")
LEASE = 100_000  # ms, longer than a schedule runs: a lease ends only if the schedule deletes it
OUTCOMES = (
    *("done", "done", "done", "retry", "discard", "dead", "lost"),
    *("requeue", "requeue_last", "unanswered"),
)
#: The only call whose reply depends on the server's clock.
_TIME = re.compile(r"redis\.call\('TIME'\)")


def schedule(seed: int, steps: int = 25) -> list[dict[str, Any]]:
    """Return random steps: the clock (microseconds), and a script's name with its arguments.

    Two names are not scripts: `delete` deletes a key, as if it had expired, and `wipe` deletes all
    keys.
    """
    chance = random.Random(seed)
    clock = 1_700_000_000_000_000 + chance.randrange(10**6)
    plan: list[dict[str, Any]] = []
    for worker in WORKERS:
        plan.append({"clock": clock, "name": "register", "words": [worker, LEASE, "{}", ""]})
    for _ in range(steps):
        clock += chance.choice([1, 999, 250_000, 3_000_000, 61_000_000])
        name, *words = _step(chance, clock / 1e6)
        if name == "rescue":  # `look` expires by the server's real clock: delete it
            plan.append({"clock": clock, "name": "delete", "words": ["look"]})
        plan.append({"clock": clock, "name": name, "words": words})
    return plan


def _step(chance: random.Random, now: float) -> list[Any]:
    worker, list_name, job = chance.choice(WORKERS), chance.choice(LISTS), chance.choice(IDS)
    match chance.randrange(20):
        case 0 | 1 | 2 | 3 | 4:
            due = chance.choice(["", "", "", f"{now + chance.uniform(-5, 90):.6f}"])
            kind = chance.choice(["once", "once", "job", "message"])
            text = _message(job, list_name, chance.randrange(3), now)
            job = f"~{job}" if kind == "message" else job
            return ["enqueue", "a/producer", f"{now:.6f}", job, list_name, due, kind, text]
        case 5 | 6 | 7 | 8:
            return ["claim", worker, chance.choice([1, 1, 3]), *LISTS]
        case 9 | 10 | 11 | 12:
            claim = [worker, list_name, job, str(chance.randrange(1, 12))]
            how = [chance.choice(OUTCOMES), "why", "5.500000", "", "1", ""]
            return ["finish", *claim, *how, *chance.choice([(), (worker, *LISTS)])]
        case 13:
            return ["beat", worker, LEASE, "{}", *chance.choice([(), (job,)])]
        case 14:
            return ["delete", f"worker:{worker}"]
        case 15:
            return ["rescue", worker, LEASE, 500, 1, chance.choice([0, 1000])]
        case 16:
            return ["promote_due", worker, 100]
        case 17:
            return ["decide", job, chance.choice(["retry", "discard", "delete", "moved"]), "me"]
        case 18:
            return chance.choice(
                [["pause", worker, 1], ["pause", worker, 0], ["purge", "me", 10, list_name],
                 ["deregister", worker], ["register", worker, LEASE, "{}", ""], ["wipe"]]
            )  # fmt: skip
        case _:
            return chance.choice(
                [["states", json.dumps(STATE_AFTER), *IDS], ["held", worker, *LISTS]]
            )


def _message(job: str, list_name: str, retries: int, now: float) -> str:
    headers = {"task": "notify_author", "id": job, "retries": retries, "enqueued_at": now}
    info = {"exchange": "", "routing_key": list_name, "list": list_name}
    return json.dumps({"body": "", "headers": headers, "properties": {"delivery_info": info}})


def on_a_server(client: redis.Redis, steps: list[dict[str, Any]]) -> dict[str, Any]:
    client.flushall()
    answers = []
    for step in steps:
        name, words = step["name"], step["words"]
        if name == "wipe":
            client.flushall()
        elif name == "delete":
            client.delete(*words)
        else:
            seconds, rest = divmod(step["clock"], 10**6)
            client.hset("clock", mapping={"s": seconds, "u": rest})
            try:
                answers.append([name, client.eval(_text(name), 0, *words)])
            except redis.ResponseError:
                answers.append([name, "error"])
    return {"answers": answers, "keys": _keys(client)}


@cache
def _text(name: str) -> str:
    """Return the broker's script, changed so that it reads the time from the key `clock`."""
    shipped = Scripts(redis.Redis(), DEFAULTS).registered(name).script
    return _TIME.sub("redis.call('HMGET', 'clock', 's', 'u')", shipped)


def _keys(client: Any) -> dict[str, Any]:
    read: dict[str, Callable[[str], Any]] = {
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "hash": client.hgetall,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": lambda key: [list(fields.items()) for _, fields in client.xrange(key)],
        "string": client.get,
        "none": client.get,  # the key has expired since KEYS
    }
    return {key: read[client.type(key)](key) for key in sorted(client.keys())}


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """Return the result without everything that may differ between two stores: ids of stream
    entries, the order of a set, the server's run id, and a key that expires by the real clock."""
    # JSON has neither tuples nor sets; `claim` returns the id of a stream entry if there is no job
    text = re.sub(r'"\d+-\d+"', '"an id"', json.dumps(found["answers"]))
    answers = [
        (name, sorted(map(str, answer)) if name == "rescue" else answer)
        for name, answer in json.loads(text)
    ]
    keys = json.loads(json.dumps(found["keys"], default=sorted))
    keys = {key: value for key, value in keys.items() if key not in ("clock", "look")}
    keys.get("server", {}).pop("run", None)
    for key, value in keys.items():
        if key.startswith("successor:"):
            keys[key] = json.loads(value)
        elif key == "journal":
            keys[key] = sorted(map(str, value))
    return {"answers": answers, "keys": keys}
