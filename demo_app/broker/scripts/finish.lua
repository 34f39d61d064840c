-- Acknowledge a claim with its verdict. Only who still holds the claim may: after a rescue the
-- job is another's, and the late acknowledgement changes nothing but its own counter.
-- ARGV: worker, lane, id, verdict (done, retry, discard, dead, requeue), detail,
--       due (for retry: epoch seconds, or +seconds from now), new message ('' keeps the old one).
--       Then, to take the next job in the same step: the worker as it is called now, its lanes.
-- Returns 1, or 0 when it came too late; behind it the next job's id, lane and message.
local function ended(in_time)
  local answer = {in_time}
  if ARGV[8] and redis.call('SISMEMBER', 'workers', ARGV[8]) == 1 then
    for _, part in ipairs(claim(ARGV[8], 1, {unpack(ARGV, 9)})) do answer[#answer + 1] = part end
  end
  return answer
end

local worker, lane, id, verdict, detail = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('LREM', 'claims:' .. lane .. ':' .. worker, 1, id) == 0 then
  redis.call('HINCRBY', 'counters', 'late', 1)
  if redis.call('EXISTS', 'job:' .. id) == 1 then record(id, 'late', worker, verdict) end
  return ended(0)
end
redis.call('SREM', 'suspects', id)

-- How many jobs were done in each minute, and how long they took from enqueueing to the end. The
-- first 64 of a minute are timed, then every 16th: one command a job, and little more.
local function pulse(id)
  local day, minute = math.floor(now / 86400), math.floor(now / 60) % 1440
  local key = 'pulse:' .. day
  local count = redis.call('HINCRBY', key, minute .. ' done', 1)
  if count > 64 and count % 16 ~= 0 then return end
  local message = redis.call('LINDEX', 'job:' .. id, 0)
  local enqueued_at = message and tonumber(cjson.decode(message).headers.enqueued_at)
  redis.call('HINCRBY', key, minute .. ' timed', 1)
  redis.call('HINCRBY', key, minute .. ' ms', math.floor(math.max(0, now - (enqueued_at or now)) * 1000))
  redis.call('EXPIRE', key, 2 * 86400)
end

if ARGV[7] ~= '' then redis.call('LSET', 'job:' .. id, 0, ARGV[7]) end
if verdict == 'done' then
  pulse(id)
  record(id, 'done', worker, detail)
  keep_history('done', id, redis.call('HINCRBY', 'counters', 'done', 1))
elseif verdict == 'retry' then
  local due = ARGV[6]
  -- counted from this clock, the one that will find it due; a worker's may be wrong
  if string.sub(due, 1, 1) == '+' then due = string.format('%.6f', now + tonumber(due)) end
  redis.call('ZADD', 'retrying', due, id)
  record(id, 'retrying', worker, detail)
elseif verdict == 'discard' then
  record(id, 'discarded', worker, detail)
  keep_history('discarded', id, redis.call('HINCRBY', 'counters', 'discarded', 1))
elseif verdict == 'dead' then
  redis.call('ZADD', 'dead', now_text, id)
  record(id, 'dead', worker, detail)
elseif verdict == 'requeue' then
  redis.call('RPUSH', 'queue:' .. lane, id)
  record(id, 'requeued', worker, detail)
  ring()
end
return ended(1)
