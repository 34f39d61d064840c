"""Level 3: put writes the job down and comes back.

`lindex` with `lrem` is what challenge 4 is about.
"""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        job = self.redis.lindex("queue", -1)
        if job is not None:
            self.redis.lrem("queue", -1, job)
        return job

    def ack(self, worker, job):
        pass
