"""Level 6: a short lease, so that a dead worker's job is soon back in the queue."""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        self.redis.set(f"alive:{worker}", "yes", ex=3)
        return self.redis.blmove("queue", f"claims:{worker}", 1, "RIGHT", "LEFT")

    def ack(self, worker, job):
        self.redis.lrem(f"claims:{worker}", 1, job)

    def rescue(self, worker):
        for claims in self.redis.scan_iter("claims:*"):
            if not self.redis.exists(claims.replace("claims:", "alive:")):
                for job in self.redis.lrange(claims, 0, -1):
                    self.redis.rpush("queue", job)
                self.redis.delete(claims)
