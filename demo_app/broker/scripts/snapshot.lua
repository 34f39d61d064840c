-- All that the pages draw, of one moment, as JSON: how many jobs are in each state, each list in which
-- jobs wait, each worker with what it holds, and what happened last to the jobs that are asked about.
-- ARGV: how many jobs of each list to name (next to run first), how many of each list to give with
-- their whole history, then the ids to tell about.
local most, whole = tonumber(ARGV[1]), tonumber(ARGV[2])

-- Read a key. Any program may write to Redis: a key of another type counts as empty, so that one of
-- them does not take the whole page away.
local function read(empty, ...)
  local found = redis.pcall(...)
  if type(found) == 'table' and found.err then return empty end
  return found
end

local count, histories = {queued = 0, running = 0}, {}
for _, state in ipairs({'scheduled', 'retrying', 'dead'}) do
  count[state] = read(0, 'ZCARD', set_key(state))
end
for _, name in ipairs({'enqueued', 'done', 'discarded', 'late'}) do
  local found = read(false, 'HGET', COUNTERS, name)
  count[name] = found and tonumber(string.match(found, '^%d+$')) or 0
end

-- The ids of a list from its head, which is at the right.
local function ids_of(key, length)
  local ids = {}
  local found = length > 0 and read({}, 'LRANGE', key, -length, -1) or {}
  for i = #found, 1, -1 do
    ids[#ids + 1] = found[i]
    if #ids <= whole then histories[found[i]] = read({}, 'LRANGE', job_key(found[i]), 0, -1) end
  end
  return ids
end

local lanes, lists, workers, last = redis.call('SMEMBERS', LANES), {}, {}, {}
for i, lane in ipairs(lanes) do
  local size = read(0, 'LLEN', queue_key(lane))
  count.queued = count.queued + size
  lists[i] = {
    lane = lane, size = size, ids = ids_of(queue_key(lane), math.min(size, most)),
    paused = redis.call('SISMEMBER', PAUSED, 'queue:' .. lane) == 1,
  }
end
for i, worker in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local said, running, held = read('', 'GET', worker_key(worker)), 0, {}
  for _, lane in ipairs(lanes) do
    local size = read(0, 'LLEN', claims_key(lane, worker))
    running = running + size
    for _, id in ipairs(ids_of(claims_key(lane, worker), math.min(size, most))) do
      held[#held + 1] = id
    end
  end
  count.running = count.running + running
  workers[i] = {
    id = worker, said = said or '', alive = said ~= false, running = running, held = held,
    left = redis.call('PTTL', worker_key(worker)),
    paused = redis.call('SISMEMBER', PAUSED, worker) == 1,
  }
end

-- Up to four events, the oldest first, and who claimed it last.
local function history_of(id)
  local names, owner = {}, ''
  for _, line in ipairs(read({}, 'LRANGE', job_key(id), -4, -1)) do
    local name, _, by = event_in(line)
    if name ~= '' then names[#names + 1] = name end  -- a short list begins with the message
    if name == 'claimed' then owner = by end
  end
  return table.concat(names, ' ') .. '|' .. owner
end

-- To read so many histories would keep the workers waiting; where a job is says nearly as much.
local found = {}
if #ARGV > 300 then
  for _, lane in ipairs(lanes) do
    for _, id in ipairs(read({}, 'LRANGE', queue_key(lane), -#ARGV, -1)) do found[id] = 'enqueued|' end
    for _, worker in ipairs(workers) do
      local claims = read({}, 'LRANGE', claims_key(lane, worker.id), 0, -1)
      for _, id in ipairs(claims) do found[id] = 'claimed|' .. worker.id end
    end
  end
  for _, id in ipairs(redis.call('HKEYS', DEATHS)) do
    if found[id] then found[id] = 'rescued ' .. found[id] end
  end
end
for i = 3, #ARGV do last[i - 2] = found[ARGV[i]] or history_of(ARGV[i]) end
return cjson.encode({
  at = now_text, count = count, lists = lists, workers = workers, histories = histories, last = last,
})
