"""Level 10: claim first returns a job that the worker has already claimed.

The reply to the earlier claim may have been lost.
"""

# KEYS: a worker's claims, and its heartbeat key.
RESCUE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return end
local job = redis.call('RPOP', KEYS[1])
if not job then return end
if redis.call('HINCRBY', 'rescues', job, 1) > 3 then
  redis.call('LPUSH', 'dead', job)
else
  redis.call('RPUSH', 'queue', job)
end
"""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.lpush("queue", job)

    def claim(self, worker):
        held = self.redis.lindex(f"claims:{worker}", -1)
        return held or self.redis.blmove("queue", f"claims:{worker}", 1, "RIGHT", "LEFT")

    def ack(self, worker, job):
        self.redis.lrem(f"claims:{worker}", 1, job)

    def beat(self, worker):
        self.redis.set(f"alive:{worker}", "yes", ex=2)

    def rescue(self, worker):
        for claims in self.redis.scan_iter("claims:*"):
            self.redis.eval(RESCUE, 2, claims, claims.replace("claims:", "alive:"))
