-- Shared too: how fast the queue works.

-- How many jobs were done in each minute, and how long they took from enqueueing to the end. The
-- first 64 of a minute are timed, then every 16th: one command a job, and little more.
local function count_throughput(id)
  local day, minute = math.floor(now / 86400), math.floor(now / 60) % 1440
  local key = P .. 'throughput:' .. day
  local count = redis.call('HINCRBY', key, minute .. ' done', 1)
  if count > 64 and count % 16 ~= 0 then return end
  local text = redis.call('LINDEX', job_key(id), 0)
  local enqueued_at = text and tonumber(cjson.decode(text).headers.enqueued_at)
  if not enqueued_at then  -- a Celery producer does not say: its first event does
    local _, first = event_at(id, 1)
    enqueued_at = first or now
  end
  redis.call('HINCRBY', key, minute .. ' timed', 1)
  redis.call('HINCRBY', key, minute .. ' ms', math.floor(math.max(0, now - enqueued_at) * 1000))
  redis.call('EXPIRE', key, 2 * 86400)
end
