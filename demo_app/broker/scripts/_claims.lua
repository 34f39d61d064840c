-- Shared as well: how a job is claimed, and how it is given back when its worker has died.

-- The workers that died while they ran the job, since its last try that came to an end.
local function deaths_of(id)
  local workers = {}
  for worker in string.gmatch(redis.call('HGET', DEATHS, id) or '', '%S+') do
    workers[#workers + 1] = worker
  end
  return workers
end

-- A job that two workers died with runs alone, so that a poison pill takes no other job with it.
local function in_quarantine(id) return #deaths_of(id) >= 2 end

-- The worker that held the job is dead, and the job at the head of its queue already. A death counts
-- when the job may have been its cause. What has too many gets one more try, alone and after a pause;
-- what kills a worker then as well is dead.
-- victim: the worker, or '' when the job had not begun there.
local function rescued(id, lane, by, detail, most, victim)
  redis.call('HDEL', RUNNING, id)
  if not is_job(id) then return end
  if follow_successor(id, by, detail, lane) then return end
  record(id, 'rescued', by, detail)
  if victim == '' then return end
  local deaths = deaths_of(id)
  deaths[#deaths + 1] = victim
  redis.call('HSET', DEATHS, id, table.concat(deaths, ' '))
  if #deaths <= most then return end
  redis.call('LREM', queue_key(lane), -1, id)
  local why = 'poison: ' .. #deaths .. ' workers died while they ran it'
  if #deaths > most + 1 then return end_job('dead', id, by, why) end
  redis.call('ZADD', set_key('retrying'), moment_in(POISON_PAUSE), id)
  record(id, 'retrying', by, why .. '; one more try, alone')
end

-- Give back what a worker holds, to the head of its queue, in its order, and forget the worker.
-- each(id, lane): what becomes of one. Returns the ids.
local function give_back(worker, each)
  local ids = {}
  for _, lane in ipairs(redis.call('SUNION', LANES, TRANSIENT)) do
    while true do
      local id = redis.call('LMOVE', claims_key(lane, worker), queue_key(lane), 'LEFT', 'RIGHT')
      if not id then break end
      ids[#ids + 1] = id
      each(id, lane)
    end
  end
  redis.call('SREM', WORKERS, worker)
  redis.call('SREM', PAUSED, worker)
  redis.call('HDEL', SUSPECTS, worker)
  redis.call('HDEL', LEASES, worker)
  redis.call('DEL', worker_key(worker), waiting_key(worker))
  if #ids > 0 then notify() end
  return ids
end

-- A job in quarantine runs alone: it waits until the worker's other jobs have ended.
local function must_wait(id, worker, lanes)
  local holding = 0
  for _, lane in ipairs(lanes) do
    for _, held in ipairs(redis.call('LRANGE', claims_key(lane, worker), 0, -1)) do
      holding = holding + 1
      if in_quarantine(held) then return true end
    end
  end
  return holding > 0 and in_quarantine(id)
end

-- Those of the lanes from which jobs may be taken.
local function flowing(lanes)
  local open = {}
  for _, lane in ipairs(lanes) do
    if redis.call('SISMEMBER', PAUSED, 'queue:' .. lane) == 0 then open[#open + 1] = lane end
  end
  return open
end

-- The job that the next claim would take.
local function head_of(lanes)
  for _, lane in ipairs(lanes) do
    local id = redis.call('LINDEX', queue_key(lane), -1)
    if id then return id end
  end
end

-- Whether a job was claimed before and given back ('1', or '' for no).
local function redelivered(id)
  local last = redis.call('LINDEX', job_key(id), -1)
  local name = last and string.match(last, '^%["(%l+)"')
  return (name == 'requeued' or name == 'rescued') and '1' or ''
end

-- Move up to `most` jobs into the worker's claims; returns id, lane, number, whether it comes again,
-- and message of each.
-- Every claim has a number of its own: only who knows it may end the claim.
local function claim(worker, most, lanes)
  local claimed, quarantine, open = {}, false, lanes
  if redis.call('EXISTS', PAUSED, DEATHS) > 0 then  -- most of the time there is neither
    open = flowing(lanes)
    if #open == 0 or redis.call('SISMEMBER', PAUSED, worker) == 1 then return claimed end
    quarantine = redis.call('EXISTS', DEATHS) == 1
  end
  local pop = {'LMPOP', #open}  -- from the first list that has a job
  for i, lane in ipairs(open) do pop[2 + i] = queue_key(lane) end
  pop[#pop + 1] = 'RIGHT'
  while #claimed < 5 * most do
    local head = quarantine and head_of(open)
    if head and must_wait(head, worker, lanes) then return claimed end
    local popped = redis.call(unpack(pop))
    if not popped then return claimed end
    local lane, id = string.sub(popped[1], #P + 7), popped[2][1]
    local message = redis.call('LINDEX', job_key(id), 0)
    if message then  -- else its record was deleted: there is nothing that could run
      local number = redis.call('HINCRBY', COUNTERS, 'claims', 1)
      redis.call('LPUSH', claims_key(lane, worker), id)
      redis.call('HSET', RUNNING, id, number)
      for _, part in ipairs({id, lane, tostring(number), redelivered(id), message}) do
        claimed[#claimed + 1] = part
      end
      record(id, 'claimed', worker)
    end
  end
  return claimed
end
