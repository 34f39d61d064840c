"""A stream; a worker claims its own entry again while it works; XAUTOCLAIM gives away
what is idle."""

import json
from contextlib import suppress

import redis as r


class MyQueue:
    def __init__(self, redis):
        self.redis, self.mine = redis, None
        with suppress(r.ResponseError):  # it is there
            redis.xgroup_create("s", "g", id="0", mkstream=True)

    def put(self, job):
        self.redis.xadd("s", {"t": json.dumps(job)})

    def claim(self, worker):
        got = self.redis.xautoclaim("s", "g", worker, 2500, "0-0", count=1)[1]
        if got:
            number, fields = got[0]
            if fields is None:
                return None
            pending = self.redis.xpending_range("s", "g", number, number, 1)
            if pending and pending[0]["times_delivered"] > 4:
                with self.redis.pipeline() as both:
                    both.xadd("dead", fields)
                    both.xack("s", "g", number)
                    both.xdel("s", number)
                    both.execute()
                return None
        else:
            got = self.redis.xreadgroup("g", worker, {"s": ">"}, count=1, block=200)
            if not got:
                return None
            number, fields = got[0][1][0]
        self.mine = number
        return json.loads(fields["t"])

    def ack(self, worker, job):
        mine, self.mine = self.mine, None
        with self.redis.pipeline() as both:
            both.xack("s", "g", mine)
            both.xdel("s", mine)
            both.execute()

    def beat(self, worker):
        mine = self.mine
        if mine:
            found = self.redis.xpending_range("s", "g", mine, mine, 1, consumername=worker)
            if found:
                self.redis.xclaim("s", "g", worker, 0, [mine], justid=True)

    def message_id(self, job):
        return f"<{job}@idle.example>"
