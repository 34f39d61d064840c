-- Shared by every script: the clock, and the one way to write down what happened.
-- Keys: queue:<lane>, claims:<lane>:<worker>, worker:<worker>, job:<id> (a list: the message,
-- then every event), scheduled, retrying, dead, done, discarded (sorted sets of ids),
-- lanes, workers, quiet, suspects (sets), counters, pulse:<day> (hashes), journal, wake (streams).
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local now_text = string.format('%.6f', now)

local function event_text(event, by, detail)
  return cjson.encode({event, now_text, by or '', detail or ''})
end

local function journal(id, event, by, detail)
  redis.call('XADD', 'journal', 'MAXLEN', '~', JOURNAL_LENGTH, '*',
    'job', id, 'event', event, 'by', by or '', 'detail', detail or '')
end

local function record(id, event, by, detail)
  redis.call('RPUSH', 'job:' .. id, event_text(event, by, detail))
  journal(id, event, by, detail)
end

-- Wake every worker that waits for a job. A worker that found nothing has left the key `idle`
-- before it began to wait; without it nobody waits, and the bell stays still.
local function ring()
  if redis.call('DEL', 'idle') == 1 then
    redis.call('XADD', 'wake', 'MAXLEN', 1, '*', 'job', '')
  end
end

local function lane_of(message)
  local properties = cjson.decode(message).properties
  local lane = properties.delivery_info.routing_key
  local priority = tonumber(properties.priority) or 0
  if priority > 0 then return lane .. ':high' end
  if priority < 0 then return lane .. ':low' end
  return lane
end

-- The newest finished jobs are kept, and older ones forgotten whole. They are counted at every 64th
-- end only, so that up to 63 more may be there. ended: how many jobs ended this way so far.
local function keep_history(set, id, ended)
  redis.call('ZADD', set, now_text, id)
  if ended % 64 ~= 0 then return end
  local surplus = redis.call('ZCARD', set) - HISTORY_LENGTH
  if surplus <= 0 then return end
  local old = redis.call('ZPOPMIN', set, math.min(surplus, 1000))
  local jobs = {}
  for i = 1, #old, 2 do jobs[#jobs + 1] = 'job:' .. old[i] end
  redis.call('DEL', unpack(jobs))
end

-- A job whose workers died twice is a suspect: it runs alone, and waits for the others to end.
local function must_wait(id, worker, lanes)
  local holding = 0
  for _, lane in ipairs(lanes) do
    for _, held in ipairs(redis.call('LRANGE', 'claims:' .. lane .. ':' .. worker, 0, -1)) do
      holding = holding + 1
      if redis.call('SISMEMBER', 'suspects', held) == 1 then return true end
    end
  end
  return holding > 0 and redis.call('SISMEMBER', 'suspects', id) == 1
end

-- The job that the next claim would take.
local function head_of(lanes)
  for _, lane in ipairs(lanes) do
    local id = redis.call('LINDEX', 'queue:' .. lane, -1)
    if id then return id end
  end
end

-- Move up to `most` jobs into the worker's claims; returns id, lane and message of each.
local function claim(worker, most, lanes)
  local claimed = {}
  local suspects = false
  if redis.call('EXISTS', 'quiet', 'suspects') > 0 then  -- most of the time there is neither
    if redis.call('SISMEMBER', 'quiet', worker) == 1 then return claimed end  -- it ends what it has
    suspects = redis.call('EXISTS', 'suspects') == 1
  end
  local pop = {'LMPOP', #lanes}  -- from the first queue that has a job
  for i, lane in ipairs(lanes) do pop[2 + i] = 'queue:' .. lane end
  pop[#pop + 1] = 'RIGHT'
  while #claimed < 3 * most do
    local head = suspects and head_of(lanes)
    if head and must_wait(head, worker, lanes) then return claimed end
    local popped = redis.call(unpack(pop))
    if not popped then return claimed end
    local lane, id = string.sub(popped[1], 7), popped[2][1]
    redis.call('LPUSH', 'claims:' .. lane .. ':' .. worker, id)
    record(id, 'claimed', worker)
    claimed[#claimed + 1] = id
    claimed[#claimed + 1] = lane
    claimed[#claimed + 1] = redis.call('LINDEX', 'job:' .. id, 0)
  end
  return claimed
end
