-- Return the state of the whole queue as JSON: the number of jobs in each state, the lists, the workers with
-- their claims, and the last events of the jobs that are looked up.
-- ARGV: limit, with_history, then the ids to look up (see `Queue.snapshot`).
local limit, with_history = tonumber(ARGV[1]), tonumber(ARGV[2])

-- Read a key. A key of another type (from another program) counts as empty, so that it does not break the page.
local function read(empty, ...)
  local found = redis.pcall(...)
  if type(found) == 'table' and found.err then return empty end
  return found
end

-- Return the number of jobs in a list. Only a list in TRANSIENT may also have messages that are not jobs.
local function jobs_in(key, list)
  local jobs = read(0, 'LLEN', key)
  local mixed = redis.call('SISMEMBER', TRANSIENT, list) == 1
  for _, id in ipairs(mixed and read({}, 'LRANGE', key, 0, -1) or {}) do
    if not is_job(id) then jobs = jobs - 1 end
  end
  return jobs
end

local count, histories = {queued = 0, running = 0}, {}
for _, state in ipairs({'scheduled', 'retrying', 'dead'}) do
  count[state] = read(0, 'ZCARD', set_key(state))
end
for _, name in ipairs({'enqueued', 'done', 'discarded', 'late'}) do
  local found = read(false, 'HGET', COUNTERS, name)
  count[name] = found and tonumber(string.match(found, '^%d+$')) or 0
end

-- Return the first `length` ids of a list, whose head is at the right end. Store the histories of the first
-- `with_history` jobs in `histories`.
local function ids_of(key, length)
  local ids = {}
  local found = length > 0 and read({}, 'LRANGE', key, -length, -1) or {}
  for i = #found, 1, -1 do
    ids[#ids + 1] = found[i]
    if #ids <= with_history then histories[found[i]] = read({}, 'LRANGE', job_key(found[i]), 0, -1) end
  end
  return ids
end

local lists, shown, workers, last = redis.call('SMEMBERS', LISTS), {}, {}, {}
for i, list in ipairs(lists) do
  local size = read(0, 'LLEN', queue_key(list))
  count.queued = count.queued + jobs_in(queue_key(list), list)
  shown[i] = {
    list = list, size = size, ids = ids_of(queue_key(list), math.min(size, limit)),
    paused = redis.call('SISMEMBER', PAUSED, 'queue:' .. list) == 1,
  }
end
for i, worker in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local info, running, held = read('', 'GET', worker_key(worker)), 0, {}
  for _, list in ipairs(lists) do
    local size = read(0, 'LLEN', claims_key(list, worker))
    running = running + size
    count.running = count.running + jobs_in(claims_key(list, worker), list)
    for _, id in ipairs(ids_of(claims_key(list, worker), math.min(size, limit))) do
      held[#held + 1] = id
    end
  end
  workers[i] = {
    id = worker, info = info or '', alive = info ~= false, running = running, held = held,
    left = redis.call('PTTL', worker_key(worker)), waiting = read(0, 'SCARD', waiting_key(worker)),
    paused = redis.call('SISMEMBER', PAUSED, worker) == 1,
  }
end

-- Return the job's last events as text, the oldest first, and the worker that claimed the job last:
-- 'enqueued claimed|worker'. At most four events are read.
local function history_of(id)
  local names, owner = {}, ''
  for _, line in ipairs(read({}, 'LRANGE', job_key(id), -4, -1)) do
    local name, _, by = event_in(line)
    if name ~= '' then names[#names + 1] = name end  -- a short list's last four lines include the message
    if name == 'claimed' then owner = by end
  end
  return table.concat(names, ' ') .. '|' .. owner
end

-- Reading more than 300 histories would block the workers. Instead, derive the last event of a queued or claimed
-- job from the list that contains its id, and read only the histories of the other jobs.
local found = {}
if #ARGV > 300 then
  for _, list in ipairs(lists) do
    for _, id in ipairs(read({}, 'LRANGE', queue_key(list), -#ARGV, -1)) do found[id] = 'enqueued|' end
    for _, worker in ipairs(workers) do
      local claims = read({}, 'LRANGE', claims_key(list, worker.id), 0, -1)
      for _, id in ipairs(claims) do found[id] = 'claimed|' .. worker.id end
    end
  end
  for _, id in ipairs(redis.call('HKEYS', DEATHS)) do
    if found[id] then found[id] = 'rescued ' .. found[id] end
  end
end
for i = 3, #ARGV do last[i - 2] = found[ARGV[i]] or history_of(ARGV[i]) end
return cjson.encode({
  at = now_text, count = count, lists = shown, workers = workers, histories = histories, last = last,
})
