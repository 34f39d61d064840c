"""A queue in a Redis stream: the group remembers who has which job, `XAUTOCLAIM` brings it back."""

import json
import uuid
from contextlib import suppress

import redis


class MyQueue:
    def __init__(self, client):
        self.redis, self.mine = client, {}
        with suppress(redis.ResponseError):  # it is there
            client.xgroup_create("jobs", "workers", id="0", mkstream=True)

    def put(self, job):
        self.redis.xadd("jobs", {"job": json.dumps(job), "id": uuid.uuid4().hex})

    def claim(self, worker):
        found = self.redis.xreadgroup("workers", worker, {"jobs": "0"}, count=1)
        if not found or not found[0][1]:
            found = self.redis.xreadgroup("workers", worker, {"jobs": ">"}, count=1, block=500)
        if not found or not found[0][1]:
            return None
        number, fields = found[0][1][0]
        self.mine[worker] = number
        return json.loads(fields["job"])

    def ack(self, worker, job):
        self.redis.xack("jobs", "workers", self.mine[worker])
        self.redis.xdel("jobs", self.mine[worker])

    def beat(self, worker):
        self.redis.set(f"alive:{worker}", 1, px=2000)

    def rescue(self, worker):
        for entry in self.redis.xpending_range("jobs", "workers", "-", "+", 100):
            if self.redis.exists(f"alive:{entry['consumer']}"):
                continue
            number = entry["message_id"]
            # only who is first takes it: the others find that it was idle for no time
            taken = self.redis.xclaim("jobs", "workers", worker, 2000, [number])
            if not taken or not taken[0][1]:
                continue
            if self.redis.hincrby("deaths", number, 1) > 3:
                with self.redis.pipeline() as both:
                    both.lpush("dead", taken[0][1]["job"])
                    both.xack("jobs", "workers", number)
                    both.xdel("jobs", number)
                    both.execute()

    def message_id(self, job):
        return f"<{job}@streams.example>"
