-- Acknowledge a claim with its verdict. Only who still holds the claim may: after a rescue the
-- job is another's, and the late acknowledgement changes nothing but its own counter.
-- ARGV: worker, lane, id, verdict (done, retry, discard, dead, requeue), detail,
--       due (epoch seconds, for retry), new message ('' keeps the old one).
-- Returns 1, or 0 when it came too late.
local worker, lane, id, verdict, detail = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('LREM', 'claims:' .. lane .. ':' .. worker, 1, id) == 0 then
  redis.call('HINCRBY', 'counters', 'late', 1)
  if redis.call('EXISTS', 'job:' .. id) == 1 then record(id, 'late', worker, verdict) end
  return 0
end
redis.call('SREM', 'suspects', id)
if ARGV[7] ~= '' then redis.call('LSET', 'job:' .. id, 0, ARGV[7]) end
if verdict == 'done' then
  redis.call('HINCRBY', 'counters', 'done', 1)
  record(id, 'done', worker, detail)
  keep_history('done', id)
elseif verdict == 'retry' then
  redis.call('ZADD', 'retrying', ARGV[6], id)
  record(id, 'retrying', worker, detail)
elseif verdict == 'discard' then
  redis.call('HINCRBY', 'counters', 'discarded', 1)
  record(id, 'discarded', worker, detail)
  keep_history('discarded', id)
elseif verdict == 'dead' then
  redis.call('ZADD', 'dead', now_text, id)
  record(id, 'dead', worker, detail)
elseif verdict == 'requeue' then
  redis.call('RPUSH', 'queue:' .. lane, id)
  record(id, 'requeued', worker, detail)
  ring()
end
return 1
