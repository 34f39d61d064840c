"""A queue on a Redis stream. Workers renew their claims; XAUTOCLAIM takes over idle entries."""

import json
from contextlib import suppress

import redis as r


class MyQueue:
    def __init__(self, redis):
        self.redis, self.mine = redis, None
        with suppress(r.ResponseError):  # the consumer group may exist already
            redis.xgroup_create("s", "g", id="0", mkstream=True)

    def put(self, job):
        self.redis.xadd("s", {"t": json.dumps(job)})

    def claim(self, worker):
        reply = self.redis.xautoclaim("s", "g", worker, 2500, "0-0", count=1)[1]
        if reply:
            number, fields = reply[0]
            if fields is None:
                return None
            pending = self.redis.xpending_range("s", "g", number, number, 1)
            if pending and pending[0]["times_delivered"] > 4:
                with self.redis.pipeline() as transaction:
                    transaction.xadd("dead", fields)
                    transaction.xack("s", "g", number)
                    transaction.xdel("s", number)
                    transaction.execute()
                return None
        else:
            reply = self.redis.xreadgroup("g", worker, {"s": ">"}, count=1, block=200)
            if not reply:
                return None
            number, fields = reply[0][1][0]
        self.mine = number
        return json.loads(fields["t"])

    def ack(self, worker, job):
        mine, self.mine = self.mine, None
        with self.redis.pipeline() as transaction:
            transaction.xack("s", "g", mine)
            transaction.xdel("s", mine)
            transaction.execute()

    def beat(self, worker):
        mine = self.mine
        if mine:
            found = self.redis.xpending_range("s", "g", mine, mine, 1, consumername=worker)
            if found:
                self.redis.xclaim("s", "g", worker, 0, [mine], justid=True)

    def message_id(self, job):
        return f"<{job}@idle.example>"
