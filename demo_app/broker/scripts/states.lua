-- The state of each of these jobs, for a caller that keeps a copy of each until it has ended; '' for
-- a job that is not known. A job that is known and is in no list, since Redis has evicted the list,
-- goes back into its queue.
-- ARGV: by whom, the state after each event (JSON; fold.py has it), then ids.
local by, STATE = ARGV[1], cjson.decode(ARGV[2])

-- The last event that tells the state, and who wrote it; the message comes before all events.
local function state_of(id)
  for i = -1, -9, -1 do
    local name, _, by = event_at(id, i)
    if not name then return nil end
    if name == '' then break end
    if STATE[name] then return STATE[name], by end
  end
  return 'queued'
end

local function in_list(key, id) return redis.call('LPOS', key, id, 'RANK', -1) end

local function is_claimed(id, worker)
  for _, lane in ipairs(redis.call('SUNION', LANES, TRANSIENT)) do
    if in_list(claims_key(lane, worker), id) then return true end
  end
  return false
end

-- A long list is not searched for each of its jobs: where one of them is, the list is.
local found_in = {}
local function is_queued(id, lane)
  found_in[lane] = found_in[lane] or in_list(queue_key(lane), id)
  return found_in[lane]
end

-- Nor is each of many jobs looked for: a lost list had more than one of them, and another time it
-- is others' turn. Once one is missing, all are looked for.
local every = math.ceil((#ARGV - 2) / 64)
local turn = tonumber(clock[2]) % every

local answers, missing = {}, false
for i = 3, #ARGV do
  local id = ARGV[i]
  local state, worker = state_of(id)
  local there = true
  if state == 'scheduled' or state == 'retrying' then
    there = redis.call('ZSCORE', set_key(state), id)
  elseif state == 'running' then
    there = is_claimed(id, worker)
  elseif state == 'queued' and (missing or i % every == turn) then
    local lane = lane_of(id)
    there = lane and is_queued(id, lane)
  end
  if not there then
    missing = true
    release(id, by, 'it was in no list')
    state = state_of(id)  -- none, if its message was gone too: who has a copy brings it again
  end
  answers[#answers + 1] = state or ''
end
return answers
