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

local function keep_history(set, id)  -- the newest finished jobs; older ones are forgotten whole
  redis.call('ZADD', set, now_text, id)
  local surplus = redis.call('ZCARD', set) - HISTORY_LENGTH
  if surplus > 0 then
    local old = redis.call('ZPOPMIN', set, surplus)
    for i = 1, #old, 2 do redis.call('DEL', 'job:' .. old[i]) end
  end
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

-- Move up to `most` jobs into the worker's claims; returns id, lane and message of each.
local function claim(worker, most, lanes)
  local claimed = {}
  if redis.call('SISMEMBER', 'quiet', worker) == 1 then return claimed end  -- it ends what it has
  local suspects = redis.call('EXISTS', 'suspects') == 1
  for _, lane in ipairs(lanes) do
    local queue = 'queue:' .. lane
    while #claimed < 3 * most do
      local head = suspects and redis.call('LINDEX', queue, -1)
      if head and must_wait(head, worker, lanes) then return claimed end
      local id = redis.call('LMOVE', queue, 'claims:' .. lane .. ':' .. worker, 'RIGHT', 'LEFT')
      if not id then break end
      record(id, 'claimed', worker)
      claimed[#claimed + 1] = id
      claimed[#claimed + 1] = lane
      claimed[#claimed + 1] = redis.call('LINDEX', 'job:' .. id, 0)
    end
  end
  return claimed
end
