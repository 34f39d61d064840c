-- Acknowledge a claim with its outcome. After a rescue the job is another's. That it was done counts
-- all the same, as long as nobody else has finished it; any other late outcome changes nothing but its
-- own counter.
-- ARGV: worker, lane, id, number of the claim, outcome (done, retry, discard, dead, lost, requeue;
--       requeue_last: to the queue's tail; unanswered: the worker has not received it),
--       detail, seconds until the next try (for retry), new message ('' keeps the old one),
--       rescues at the most (for lost: the process that ran it died),
--       what it waits for (retry), or what is there (done), '' when there is nothing to say.
--       Then, to take the next job in the same step: the worker as it is called now, its lanes.
-- Returns 1, or 0 when it came too late; behind it the next job, as claim.lua returns it.
local worker, lane, id, number, outcome = unpack(ARGV, 1, 5)
local detail, after, message, most, needs = unpack(ARGV, 6, 10)

-- Of an id that is no UTF-8 the worker knows only a sign that stands for it; the number is enough.
if string.find(id, '\26', 1, true) then
  for _, held in ipairs(redis.call('LRANGE', claims_key(lane, worker), 0, -1)) do
    if redis.call('HGET', RUNNING, held) == number then id = held end
  end
end

local function answer(in_time)
  local told = ARGV[11] and is_known(ARGV[11]) and (claim(ARGV[11], 1, {unpack(ARGV, 12)})) or {}
  table.insert(told, 1, in_time)
  return told
end

-- What the job needed is there: some of those that wait for it are due now. Each of them that is done
-- wakes some more. A job that has failed again since then waits for something else.
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

-- Whether this is the second time that the same acknowledgement comes: its answer was lost. Then
-- the job was not claimed again, and this worker has written how it ended; `retrying` may mean
-- any outcome when the job had published its own next try.
local function said_before()
  for i = -1, -8, -1 do
    local name, _, by = event_at(id, i)
    if not name or name == '' or name == 'claimed' then return false end
    if by == worker and (name == NAMES[outcome] or name == 'retrying') then return true end
  end
  return false
end

-- Whether the job was taken from this worker, which had claimed it last, and nobody has finished it.
local function is_unfinished()
  if redis.call('LPOS', claims_key(lane, worker), id) then return false end  -- a newer claim
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

-- Take it back, from wherever it is: it waits again, or another worker runs it as well.
local function take_back()
  redis.call('LREM', queue_key(lane), -1, id)
  redis.call('ZREM', set_key('retrying'), id)
  for _, other in ipairs(redis.call('SMEMBERS', WORKERS)) do
    redis.call('LREM', claims_key(lane, other), 1, id)
  end
end

if redis.call('HGET', RUNNING, id) == number  -- keeps: one-end
    and redis.call('LREM', claims_key(lane, worker), 1, id) == 1 then
  -- it is this worker's, as it nearly always is
elseif outcome == 'done' and is_job(id) and is_unfinished() then
  take_back()
else
  if said_before() then return answer(1) end  -- keeps: figures
  if not is_job(id) then return answer(0) end  -- it leaves no history to tell
  redis.call('HINCRBY', COUNTERS, 'late', 1)
  if redis.call('EXISTS', job_key(id)) == 1 then record(id, 'late', worker, outcome) end
  return answer(0)
end
redis.call('HDEL', RUNNING, id)

if message ~= '' then set_message(id, message) end
if outcome == 'discard' then redis.call('DEL', successor_key(id)) end
if redis.call('EXISTS', job_key(id), successor_key(id)) == 0 then
  -- somebody deleted its record while it ran: only the sum has to hold
  forget_deaths(id)
  local state = outcome == 'done' and 'done' or 'discarded'
  if is_job(id) then redis.call('HINCRBY', COUNTERS, state, 1) end
  return answer(1)
end
if outcome ~= 'lost' and follow_successor(id, worker, detail) then
  return answer(1)
end
if outcome == 'unanswered' and times_unanswered(id) >= MOST_UNANSWERED - 1 then
  -- its message is too large for a worker to receive in time
  local why = 'the answer to its claim was lost ' .. MOST_UNANSWERED .. ' times in a row'
  end_job('dead', id, worker, why)
elseif NAMES[outcome] == 'requeued' then
  if outcome == 'requeue_last' then detail = 'to the tail' end  -- see fold.py
  if outcome == 'unanswered' then detail = UNANSWERED end
  redis.call(outcome == 'requeue_last' and 'LPUSH' or 'RPUSH', queue_key(lane), id)
  if not is_job(id) then redis.call('RPUSH', job_key(id), event_text('requeued', worker, detail)) end
  record(id, 'requeued', worker, detail)
  notify(lane)
elseif outcome == 'lost' then
  redis.call('RPUSH', queue_key(lane), id)
  rescued(id, lane, worker, detail, tonumber(most), worker .. '/process')
  notify(lane)
elseif outcome == 'retry' then
  forget_deaths(id)
  redis.call('ZADD', set_key('retrying'), moment_in(tonumber(after) or 0), id)
  if needs ~= '' then redis.call('ZADD', waits_key(needs), now_text, id) end
  record(id, 'retrying', worker, detail)
else  -- done, discard, dead
  if outcome == 'done' and needs ~= '' then wake_waiting() end
  end_job(NAMES[outcome], id, worker, detail)
end
return answer(1)
