"""Level 8: a rescue is one Lua script, so a worker cannot be paused in the middle of it."""

# KEYS: a worker's claims, and its heartbeat key.
RESCUE = """
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('LMOVE', KEYS[1], 'queue', 'RIGHT', 'RIGHT')
end
"""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        return self.redis.blmove("queue", f"claims:{worker}", 1, "RIGHT", "LEFT")

    def ack(self, worker, job):
        self.redis.lrem(f"claims:{worker}", 1, job)

    def beat(self, worker):
        self.redis.set(f"alive:{worker}", "yes", ex=2)

    def rescue(self, worker):
        for claims in self.redis.scan_iter("claims:*"):
            self.redis.eval(RESCUE, 2, claims, claims.replace("claims:", "alive:"))
