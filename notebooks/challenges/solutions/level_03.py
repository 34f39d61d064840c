"""Level 3: put stores the job and returns immediately.

Challenge 4 replaces the pair `lindex` and `lrem`.
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
