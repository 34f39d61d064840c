"""Level 5: a claimed job is always in a list, and a dead worker's jobs go back to the queue."""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        self.redis.set(f"alive:{worker}", "yes", ex=8)
        return self.redis.blmove("queue", f"claims:{worker}", 1, "RIGHT", "LEFT")

    def ack(self, worker, job):
        self.redis.lrem(f"claims:{worker}", 1, job)

    def rescue(self, worker):
        for claims in self.redis.scan_iter("claims:*"):
            if not self.redis.exists(claims.replace("claims:", "alive:")):
                for job in self.redis.lrange(claims, 0, -1):
                    self.redis.rpush("queue", job)
                self.redis.delete(claims)
