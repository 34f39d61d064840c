-- Shared by every script: the clock, the names of the keys, and the one way to write down what
-- happened. P is the prefix of every key. demo_app/broker/keys.py describes the keys.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local now_text = string.format('%.6f', now)

local function queue_key(lane) return P .. 'queue:' .. lane end
local function claims_key(lane, worker) return P .. 'claims:' .. lane .. ':' .. worker end
local function worker_key(worker) return P .. 'worker:' .. worker end
local function waiting_key(worker) return P .. 'waiting:' .. worker end
local function job_key(id) return P .. 'job:' .. id end
local function successor_key(id) return P .. 'successor:' .. id end
local function set_key(state) return P .. state end
local WORKERS, LANES, TRANSIENT = P .. 'workers', P .. 'lanes', P .. 'transient'
local PAUSED, DEATHS, SUSPECTS = P .. 'paused', P .. 'deaths', P .. 'suspects'
local RUNNING, COUNTERS = P .. 'running', P .. 'counters'
local JOURNAL, WAKE, IDLE, SERVER = P .. 'journal', P .. 'wake', P .. 'idle', P .. 'server'

-- A message that is no task (a reply to `inspect`, say) is carried, but it is no job: it is not
-- counted and leaves no history.
local function is_job(id) return string.sub(id, 1, 1) ~= '~' end

local function event_text(event, by, detail)
  return cjson.encode({event, now_text, by or '', detail or ''})
end

local function journal(id, event, by, detail)
  redis.call('XADD', JOURNAL, 'MAXLEN', '~', JOURNAL_LENGTH, '*',
    'job', id, 'event', event, 'by', by or '', 'detail', detail or '')
end

local function record(id, event, by, detail)
  if not is_job(id) then return end
  redis.call('RPUSH', job_key(id), event_text(event, by, detail))
  journal(id, event, by, detail)
end

-- Wake every worker that waits for a job. A worker that found nothing has set the key `idle`
-- before it began to wait; without it nobody waits, and there is nobody to notify.
local function notify()
  if redis.call('DEL', IDLE) == 1 then
    redis.call('XADD', WAKE, 'MAXLEN', 1, '*', 'job', '')
  end
end

-- Where the wake stream is: a worker that found nothing waits for what comes after it.
local function wait_from()
  redis.call('SET', IDLE, 1)
  local last = redis.call('XREVRANGE', WAKE, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or '0-0'
end

-- The list that a job waits in, as its producer wrote it into the message; nil when the message was
-- deleted, or can't be read.
local function lane_of(id)
  local readable, lane = pcall(function()
    local info = cjson.decode(redis.call('LINDEX', job_key(id), 0)).properties.delivery_info
    return info.lane or info.routing_key
  end)
  return readable and type(lane) == 'string' and lane or nil
end

-- When the clock is set back, what waits for its moment would wait for as much longer. So the latest
-- moment that anybody has seen is kept, and every moment in the sorted sets moves with the clock.
local function follow_clock()
  local seen = tonumber(redis.call('HGET', SERVER, 'at') or 0)
  if seen - now > 1 then
    for _, state in ipairs({'scheduled', 'retrying', 'dead', 'done', 'discarded'}) do
      for _, id in ipairs(redis.call('ZRANGE', set_key(state), 0, -1)) do
        redis.call('ZINCRBY', set_key(state), now - seen, id)
      end
    end
  end
  if seen < now or seen - now > 1 then redis.call('HSET', SERVER, 'at', now_text) end
end

-- A moment so many seconds from now; as text, by the clock that will find it due.
local function moment_in(seconds)
  follow_clock()
  return string.format('%.6f', now + seconds)
end

-- Whatever the clock says, what ended last stands behind all that ended before it.
local function add_newest(state, id)
  local newest = tonumber(redis.call('ZRANGE', set_key(state), -1, -1, 'WITHSCORES')[2] or 0)
  local score = newest < now and now_text or string.format('%.6f', newest + 1e-6)
  redis.call('ZADD', set_key(state), score, id)
end

-- The newest finished jobs are kept, and older ones forgotten whole. They are counted at every 64th
-- end only, so that up to 63 more may be there. ended: how many jobs ended this way so far.
local function keep_history(state, id, ended)
  add_newest(state, id)
  if ended % 64 ~= 0 then return end
  local surplus = redis.call('ZCARD', set_key(state)) - HISTORY_LENGTH
  if surplus <= 0 then return end
  local old = redis.call('ZPOPMIN', set_key(state), math.min(surplus, 1000))
  local jobs = {}
  for i = 1, #old, 2 do jobs[#jobs + 1] = job_key(old[i]) end
  redis.call('DEL', unpack(jobs))
end

local function end_job(state, id, by, detail)
  redis.call('HDEL', DEATHS, id)
  if not is_job(id) then return redis.call('DEL', job_key(id)) end
  record(id, state, by, detail)
  keep_history(state, id, redis.call('HINCRBY', COUNTERS, state, 1))
end

local function bury(id, by, detail)
  redis.call('HDEL', DEATHS, id)
  if not is_job(id) then return redis.call('DEL', job_key(id)) end
  add_newest('dead', id)
  record(id, 'dead', by, detail)
end

local function set_message(id, message)
  if redis.call('EXISTS', job_key(id)) == 0 then  -- somebody deleted its record while it ran
    redis.call('RPUSH', job_key(id), message)
  else
    redis.call('LSET', job_key(id), 0, message)
  end
end

-- A job whose time has come goes to the tail of its queue. Of one whose message is gone, nothing is
-- left that could run: only the sum has to hold.
local function release(id, by, detail)
  local lane = lane_of(id)
  if not lane then
    redis.call('DEL', job_key(id))
    redis.call('HINCRBY', COUNTERS, 'discarded', 1)
    return journal(id, 'discarded', by, 'its message is gone')
  end
  redis.call('SADD', LANES, lane)
  redis.call('LPUSH', queue_key(lane), id)
  record(id, 'enqueued', by, detail)
  notify()
end

-- A running job may have published its own next try (`retry`, `replace`): it takes the place of
-- this one. Returns whether there was one.
local function follow_successor(id, by, detail)
  local successor = redis.call('GET', successor_key(id))
  if not successor then return false end
  redis.call('DEL', successor_key(id))
  redis.call('HDEL', DEATHS, id)
  local told = cjson.decode(successor)
  set_message(id, told.message)
  record(id, 'retrying', by, detail)
  if (tonumber(told.due) or 0) > now then
    redis.call('ZADD', set_key('retrying'), told.due, id)
  else
    release(id, by, 'it was due')
  end
  return true
end

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
  if redis.call('EXISTS', successor_key(id)) == 1 then
    redis.call('LREM', queue_key(lane), -1, id)
    follow_successor(id, by, detail)
    return
  end
  record(id, 'rescued', by, detail)
  if victim == '' then return end
  local deaths = deaths_of(id)
  deaths[#deaths + 1] = victim
  redis.call('HSET', DEATHS, id, table.concat(deaths, ' '))
  if #deaths <= most then return end
  redis.call('LREM', queue_key(lane), -1, id)
  local why = 'poison: ' .. #deaths .. ' workers died while they ran it'
  if #deaths > most + 1 then return bury(id, by, why) end
  redis.call('ZADD', set_key('retrying'), moment_in(POISON_PAUSE), id)
  record(id, 'retrying', by, why .. '; one more try, alone')
end

-- Every list that a worker may have claimed from.
local function all_lanes()
  return redis.call('SUNION', LANES, TRANSIENT)
end

-- Give back what a worker holds, to the head of its queue, in its order, and forget the worker.
-- each(id, lane): what becomes of one. Returns the ids.
local function give_back(worker, each)
  local ids = {}
  for _, lane in ipairs(all_lanes()) do
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
  local claimed = {}
  local quarantine = false
  if redis.call('EXISTS', PAUSED, DEATHS) > 0 then  -- most of the time there is neither
    if redis.call('SISMEMBER', PAUSED, worker) == 1 then return claimed end
    quarantine = redis.call('EXISTS', DEATHS) == 1
  end
  local pop = {'LMPOP', #lanes}  -- from the first list that has a job
  for i, lane in ipairs(lanes) do pop[2 + i] = queue_key(lane) end
  pop[#pop + 1] = 'RIGHT'
  while #claimed < 5 * most do
    local head = quarantine and head_of(lanes)
    if head and must_wait(head, worker, lanes) then return claimed end
    local popped = redis.call(unpack(pop))
    if not popped then return claimed end
    local lane, id = string.sub(popped[1], #P + 7), popped[2][1]
    local message = redis.call('LINDEX', job_key(id), 0)
    if message then  -- else its record was deleted: there is nothing that could run
      local number = redis.call('HINCRBY', COUNTERS, 'claims', 1)
      redis.call('LPUSH', claims_key(lane, worker), id)
      redis.call('HSET', RUNNING, id, number)
      claimed[#claimed + 1] = id
      claimed[#claimed + 1] = lane
      claimed[#claimed + 1] = tostring(number)
      claimed[#claimed + 1] = redelivered(id)
      record(id, 'claimed', worker)
      claimed[#claimed + 1] = message
    end
  end
  return claimed
end
