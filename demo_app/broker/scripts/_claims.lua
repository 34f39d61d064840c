-- Shared by every script: functions that claim jobs, and that give back the jobs of dead workers.

-- Return the workers that died while they ran the job. The end of a try deletes this list.
local function deaths_of(id)
  local workers = {}
  for worker in string.gmatch(redis.call('HGET', DEATHS, id) or '', '%S+') do
    workers[#workers + 1] = worker
  end
  return workers
end

-- A job is a suspect if two workers died while they ran it. It runs alone: a third death interrupts no other job.
local function in_quarantine(id) return #deaths_of(id) >= 2 end

-- Record the rescue of a job that the caller has put back at the head of its queue. victim: the dead worker, or
-- '' if the job had not begun and can't be the cause of the death. After more than `limit` deaths the job gets one
-- more try, alone and after a pause. If the worker of this try dies too, the job becomes dead. Lost leases count
-- like deaths, except the first ten, since a machine may sleep.
local function rescued(id, list, by, detail, limit, victim)
  redis.call('HDEL', RUNNING, id)
  if not is_job(id) then return end
  if follow_successor(id, by, detail, list) then return end
  record(id, 'rescued', by, detail)
  if victim == '' then return end
  local deaths = deaths_of(id)
  deaths[#deaths + 1] = victim
  redis.call('HSET', DEATHS, id, table.concat(deaths, ' '))
  local lost = tonumber(redis.call('HGET', DEATHS, '~' .. id) or 0)
  local counted = #deaths + math.max(0, lost - 10)
  if counted <= limit then return end  -- keeps: bounded
  redis.call('LREM', queue_key(list), -1, id)
  local why = 'poison: ' .. #deaths + lost .. ' workers died while they ran it'
  if counted > limit + 1 then return end_job('dead', id, by, why) end
  redis.call('ZADD', set_key('retrying'), moment_in(POISON_PAUSE), id)
  record(id, 'retrying', by, why .. '; one more try, alone')
end

-- Return true if the key of a list has a value of another type (from another program).
local function is_foreign(key)
  local kind = redis.call('TYPE', key).ok
  return kind ~= 'list' and kind ~= 'none'
end

-- Requeue a worker's claims at the heads of their queues, in their order, and delete the worker's keys. If the
-- key of a queue is foreign, the claims of its jobs and the worker stay until somebody deletes that key.
-- each(id, list): is called for each job. Returns the ids, and a true value if the worker stays.
local function give_back(worker, each)
  local ids, stay = {}, false
  for _, list in ipairs(redis.call('SUNION', LISTS, TRANSIENT)) do
    while true do
      local id = redis.pcall('LMOVE', claims_key(list, worker), queue_key(list), 'LEFT', 'RIGHT')  -- keeps: order, one-place
      if type(id) == 'table' then stay = stay or not is_foreign(claims_key(list, worker)) end
      if type(id) ~= 'string' then break end
      ids[#ids + 1] = id
      each(id, list)
      notify(list)
    end
  end
  if stay then return ids, stay end
  redis.call('SREM', WORKERS, worker)
  redis.call('SREM', PAUSED, worker)
  redis.call('HDEL', SUSPECTS, worker)
  redis.call('HDEL', LEASES, worker)  -- keeps: cleanup
  redis.call('DEL', worker_key(worker), waiting_key(worker), resume_key(worker))
  return ids
end

-- Pop the next job if there may be suspects. Return its list and id, or nothing. Only a worker without other jobs
-- pops a suspect. Other workers skip the suspect, or pop nothing if the suspect has waited for a minute.
local function pop_past_suspects(worker, lists, all)
  local holding = false
  for _, list in ipairs(all) do
    for _, held in ipairs(redis.call('LRANGE', claims_key(list, worker), 0, -1)) do
      holding = true
      if in_quarantine(held) then return end
    end
  end
  for _, list in ipairs(lists) do
    for i = -1, -100, -1 do
      local id = redis.pcall('LINDEX', queue_key(list), i)
      if type(id) ~= 'string' then break end  -- no more jobs, or a foreign key
      if not (holding and in_quarantine(id)) then  -- keeps: alone
        redis.call('LREM', queue_key(list), -1, id)
        return list, id
      end
      local _, since = last_event(id)
      if since and now - since > 60 then return end
    end
  end
end

-- The detail of a job that was given back because the reply to its claim was lost.
local UNANSWERED = "the claim's answer was lost"

-- Return how many times in a row the replies to the job's claims were lost.
local function times_unanswered(id)
  local times, number = 0, -1
  while true do
    local name, _, _, detail = event_at(id, number)
    if name == 'requeued' and string.find(detail, UNANSWERED, 1, true) then
      times = times + 1
    elseif name ~= 'claimed' then
      return times
    end
    number = number - 1
  end
end

-- Push the missing tokens for the jobs of these lists: a worker may have taken tokens without claiming a job.
local function pass_on(lists)
  for _, list in ipairs(lists) do
    local waiting = redis.pcall('LLEN', queue_key(list))  -- an error if the key is foreign
    if type(waiting) == 'number' and waiting > 0 then notify(list, waiting) end  -- keeps: no-idle
  end
end

-- Move up to `limit` jobs into the worker's claims. Return a flat list with id, list, number, redelivered
-- and message of each. The number is a fencing token, which is needed to end the claim.
-- If there is no further job to claim, also return 'paused' if the worker is paused, or 'soon' if there are jobs in
-- quarantine: the worker must try again soon, since the end of a quarantine does not push a token.
local function claim(worker, limit, lists)
  local claimed, quarantine, open = {}, false, lists
  if redis.call('EXISTS', PAUSED, DEATHS) > 0 then  -- usually neither key exists
    if redis.call('SISMEMBER', PAUSED, worker) == 1 then
      pass_on(lists)
      return claimed, 'paused'
    end
    open = {}
    for _, list in ipairs(lists) do
      if redis.call('SISMEMBER', PAUSED, 'queue:' .. list) == 0 then open[#open + 1] = list end
    end
    quarantine = redis.call('EXISTS', DEATHS) == 1
    if #open == 0 then return claimed, quarantine and 'soon' or nil end
  end
  local pop, tokens = {'LMPOP', #open}, {'DEL'}  -- from the first list that has a job
  for i, list in ipairs(open) do pop[2 + i], tokens[1 + i] = queue_key(list), wake_key(list) end
  pop[#pop + 1] = 'RIGHT'  -- keeps: order
  while #claimed < 5 * limit do
    local list, id
    if quarantine then
      list, id = pop_past_suspects(worker, open, lists)
    else
      local popped = redis.pcall(unpack(pop))
      if popped and popped.err then  -- a foreign key: claim from the other lists only
        for i = #pop - 1, 3, -1 do
          if is_foreign(pop[i]) then table.remove(pop, i) end
        end
        pop[2] = #pop - 3
        popped = pop[2] > 0 and redis.call(unpack(pop))
      end
      if popped then list, id = string.sub(popped[1], #P + 7), popped[2][1] end
    end
    if not id then
      if not quarantine then redis.call(unpack(tokens)) end  -- tokens of an empty list are stale
      return claimed, quarantine and 'soon' or nil
    end
    local message = redis.call('LINDEX', job_key(id), 0)
    if message then  -- nil if another program has deleted the job's record
      local number = redis.call('HINCRBY', COUNTERS, 'claims', 1)
      redis.call('LPUSH', claims_key(list, worker), id)  -- keeps: one-place
      redis.call('HSET', RUNNING, id, number)
      local event, _, _, detail = last_event(id)
      local again = event == 'requeued' or event == 'rescued'
      for _, part in ipairs({id, list, tostring(number), again and '1' or '', message}) do
        claimed[#claimed + 1] = part
      end
      record(id, 'claimed', worker)
      -- claim no further job if the last reply with this job was lost: this reply may be lost too
      if again and string.find(detail, UNANSWERED, 1, true) then return claimed end
    else
      forget_deaths(id)
    end
  end
  return claimed
end
