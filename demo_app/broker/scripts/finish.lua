-- End a claim with its outcome. If the job was rescued meanwhile, `done` is accepted unless another worker has
-- finished the job. An outcome that comes too late is only counted, and added to the job's history as `late`.
-- ARGV:
--   worker, list, id, number of the claim
--   outcome (`Disposition` in claim.py), detail, after, message (`Ending` in claim.py)
--   limit of deaths (only for lost; see `rescued`), needs (`Ending` in claim.py)
--   then, to claim the next job in the same step: the worker's present name (a new one if it was declared dead)
--   and its lists
-- Returns 1, or 0 if the outcome came too late, followed by the next job as in claim.lua.
local worker, list, id, number, outcome = unpack(ARGV, 1, 5)
local detail, after, message, limit, needs = unpack(ARGV, 6, 10)

-- If the id is not UTF-8, the worker received it with substitute characters: find the job by the claim's number.
if string.find(id, '\26', 1, true) then
  for _, held in ipairs(redis.call('LRANGE', claims_key(list, worker), 0, -1)) do
    if redis.call('HGET', RUNNING, held) == number then id = held end
  end
end

local function reply(in_time)
  local claimed = ARGV[11] and is_known(ARGV[11]) and (claim(ARGV[11], 1, {unpack(ARGV, 12)})) or {}
  table.insert(claimed, 1, in_time)
  return claimed
end

-- The service `needs` works again: enqueue up to ten of the jobs that wait for it. Each of them enqueues more when
-- it is done. A job that has failed again since it began to wait keeps its ETA.
local function wake_waiting()
  local woken = 0
  for _ = 1, 100 do
    local id, since = unpack(woken < 10 and redis.call('ZPOPMIN', waits_key(needs), 1) or {})
    if not id then return end
    local name, noted = last_event(id)
    if name == 'retrying' and noted == tonumber(since)
        and redis.call('ZREM', set_key('retrying'), id) == 1 then
      release(id, worker, 'what it needs is there')
      woken = woken + 1
    end
  end
end

local MOST_UNANSWERED = 5
local NAMES = {done = 'done', retry = 'retrying', discard = 'discarded', dead = 'dead',
  requeue = 'requeued', requeue_last = 'requeued', unanswered = 'requeued', lost = 'rescued'}

-- If another program has overwritten the queue, fail here, before the claim is removed.
if NAMES[outcome] == 'requeued' or outcome == 'lost' then redis.call('LLEN', queue_key(list)) end

-- Return true if this acknowledgement was received before, and only its reply was lost: then, after the last
-- `claimed`, there is an event of this worker with the same outcome (or `retrying`, if it had published a next try).
local function received_before()
  for i = -1, -8, -1 do
    local name, _, by = event_at(id, i)
    if not name or name == '' or name == 'claimed' then return false end
    if by == worker and (name == NAMES[outcome] or name == 'retrying') then return true end
  end
  return false
end

-- Return true if the job was rescued from this worker, and nobody has finished it.
local function is_unfinished()
  if redis.call('LPOS', claims_key(list, worker), id) then return false end  -- a newer claim
  for i = -1, -64, -1 do
    local name, _, by, detail = event_at(id, i)
    if name == 'claimed' and by == worker then return true end
    if not name or name == '' or name == 'done' or name == 'dead' or name == 'discarded'
        or name == 'requeued' and by == worker
        or name == 'retrying' and not string.find(detail, '^poison') then
      return false
    end
  end
  return false
end

if redis.call('HGET', RUNNING, id) == number  -- keeps: one-end
    and redis.call('LREM', claims_key(list, worker), 1, id) == 1 then
  -- the usual case: the claim is this worker's
elseif outcome == 'done' and is_job(id) and is_unfinished() then
  -- remove the job from its queue, from `retrying`, and from the claims of other workers, which may run it too
  redis.call('LREM', queue_key(list), -1, id)
  redis.call('ZREM', set_key('retrying'), id)
  for _, other in ipairs(redis.call('SMEMBERS', WORKERS)) do
    redis.call('LREM', claims_key(list, other), 1, id)
  end
else
  if received_before() then return reply(1) end  -- keeps: late-count
  if not is_job(id) then return reply(0) end  -- such a message has no history for the event `late`
  redis.call('HINCRBY', COUNTERS, 'late', 1)
  if redis.call('EXISTS', job_key(id)) == 1 then record(id, 'late', worker, outcome) end
  return reply(0)
end
redis.call('HDEL', RUNNING, id)

if message ~= '' then set_message(id, message) end
if outcome == 'discard' then redis.call('DEL', successor_key(id)) end
if redis.call('EXISTS', job_key(id), successor_key(id)) == 0 then
  -- the job's record was deleted while the job ran: only update the counters
  forget_deaths(id)
  local state = outcome == 'done' and 'done' or 'discarded'
  if is_job(id) then redis.call('HINCRBY', COUNTERS, state, 1) end
  return reply(1)
end
if outcome ~= 'lost' and follow_successor(id, worker, detail) then return reply(1) end
if outcome == 'unanswered' and times_unanswered(id) >= MOST_UNANSWERED - 1 then
  -- the job's message may be too large to receive in time
  local why = 'the answer to its claim was lost ' .. MOST_UNANSWERED .. ' times in a row'
  end_job('dead', id, worker, why)
elseif NAMES[outcome] == 'requeued' then
  if outcome == 'requeue_last' then detail = 'to the tail' end  -- see fold.py
  if outcome == 'unanswered' then detail = UNANSWERED end
  redis.call(outcome == 'requeue_last' and 'LPUSH' or 'RPUSH', queue_key(list), id)
  if not is_job(id) then redis.call('RPUSH', job_key(id), event_text('requeued', worker, detail)) end
  record(id, 'requeued', worker, detail)
  notify(list)
elseif outcome == 'lost' then
  redis.call('RPUSH', queue_key(list), id)
  rescued(id, list, worker, detail, tonumber(limit), worker .. '/process')
  notify(list)
elseif outcome == 'retry' then
  forget_deaths(id)
  redis.call('ZADD', set_key('retrying'), moment_in(tonumber(after) or 0), id)
  if needs ~= '' then redis.call('ZADD', waits_key(needs), now_text, id) end
  record(id, 'retrying', worker, detail)
else  -- done, discard, dead
  if outcome == 'done' and needs ~= '' then wake_waiting() end
  end_job(NAMES[outcome], id, worker, detail)
end
return reply(1)
