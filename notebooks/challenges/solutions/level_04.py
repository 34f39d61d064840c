"""Level 4: one command reads a job and removes it from the list."""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        return self.redis.rpop("queue")

    def ack(self, worker, job):
        pass
