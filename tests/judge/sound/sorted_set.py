"""A queue in sorted sets: those that wait by their number, those in work by the end of their lease,
both by the server's clock and in one step."""

TAKE = """
local held = redis.call('GET', 'of:' .. ARGV[1])
if not held then
  held = redis.call('ZPOPMIN', 'waiting')[1]
  if not held then return false end
  redis.call('SET', 'of:' .. ARGV[1], held)
  redis.call('HSET', 'holders', held, ARGV[1])
end
redis.call('ZADD', 'leases', redis.call('TIME')[1] + 3, held)
return redis.call('HGET', 'texts', held)
"""
PUT = """
local number = redis.call('INCR', 'number')
redis.call('HSET', 'texts', number, ARGV[1])
redis.call('ZADD', 'waiting', number, number)
"""
RENEW = """
local held = redis.call('GET', 'of:' .. ARGV[1])
if held and redis.call('ZSCORE', 'leases', held) then
  redis.call('ZADD', 'leases', redis.call('TIME')[1] + 3, held)
end
"""
DROP = """
local held = redis.call('GET', 'of:' .. ARGV[1])
if held and redis.call('HGET', 'holders', held) == ARGV[1] then
  redis.call('ZREM', 'leases', held)
  redis.call('HDEL', 'texts', held)
  redis.call('HDEL', 'holders', held)
end
redis.call('DEL', 'of:' .. ARGV[1])
"""
RESCUE = """
for _, held in ipairs(redis.call('ZRANGEBYSCORE', 'leases', '-inf', redis.call('TIME')[1])) do
  redis.call('ZREM', 'leases', held)
  redis.call('DEL', 'of:' .. redis.call('HGET', 'holders', held))
  redis.call('HDEL', 'holders', held)
  if redis.call('HINCRBY', 'deaths', held, 1) > 3 then
    redis.call('SADD', 'dead', held)
  else
    redis.call('ZADD', 'waiting', held, held)
  end
end
"""


class MyQueue:
    def __init__(self, redis):
        self.redis = redis

    def put(self, job):
        self.redis.eval(PUT, 0, job)

    def claim(self, worker):
        return self.redis.eval(TAKE, 0, worker)

    def ack(self, worker, job):
        self.redis.eval(DROP, 0, worker)

    def beat(self, worker):
        self.redis.eval(RENEW, 0, worker)

    def rescue(self, worker):
        self.redis.eval(RESCUE, 0)

    def message_id(self, job):
        return f"<{job}@sorted.example>"
