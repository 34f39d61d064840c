-- Put messages in: each at the tail of its list, or among the scheduled when it is due later.
-- ARGV: by whom, what the time is there (epoch seconds), then for each message: id, lane, due (the
--       same; '' for now), kind, message. Due is by the producer's clock; when ours says otherwise
--       (by more than it may take a message to come here), the wait stays as long.
-- Kinds:
--   once       a job; one whose id is known is left as it is, so that handing over twice counts once
--   job        a job, as any Celery producer sends it. A known id means one more job, under id#2.
--   next try   a job that the running job of this id publishes to be run in its place (`retry`,
--              `replace`); when that does not run any more, it is a job like any other
--   message    no task: it is carried, but it is no job
--   transient  the same, in a list that goes with its consumer
-- Returns how many jobs were new.
local by, new, added = ARGV[1], 0, {}
local ahead = now - tonumber(ARGV[2])
if math.abs(ahead) < 1 then ahead = 0 end
local at_once = event_text('enqueued', by)

-- When memory is short, ended jobs are forgotten, the oldest first, so that there is room for what
-- comes. A command that would write nothing tells that it is short: Redis lets a script go on whose
-- first write frees something. Returns the refusal, if there is no room.
local function refused()
  local fine, why = pcall(redis.call, 'SETRANGE', P .. 'nothing', 0, '')
  why = type(why) == 'table' and why.err or why
  if fine or not string.find(why, 'OOM', 1, true) then return end
  local bytes = 4000
  for i = 3, #ARGV do bytes = bytes + 2 * #ARGV[i] end
  if forget_oldest(bytes) < bytes then return why end
end

local no_room = refused()
if no_room then return redis.error_reply(no_room) end

-- The tag that the producer gave to a message: it keeps the tag when it sends the message again.
local function tag_of(text)
  local readable, tag = pcall(function() return cjson.decode(text).properties.delivery_tag end)
  return readable and tag
end

-- Whether the job's message is this one: its answer was lost, and the producer sends it again.
local function came_before(id, lane, message)
  local stored = redis.call('LINDEX', job_key(id), 0)
  if not stored or stored == message then return stored end
  local tag = tag_of(stored)
  return tag and tag == tag_of(message) and lane_of(id) == lane  -- an exchange may have two queues
end

for i = 3, #ARGV, 5 do
  local id, lane, due, kind, message = unpack(ARGV, i, i + 4)
  -- what begins so is no job (see `is_job`), and a producer's own id may begin with anything
  local is_task = kind == 'once' or kind == 'job' or kind == 'next try'
  if is_task and not is_job(id) then id = '=' .. id end
  local later = due ~= '' and tonumber(due) + ahead > now
  if later then
    follow_clock()
    due = string.format('%.6f', tonumber(due) + ahead)
  end
  if kind ~= 'once' and came_before(id, lane, message) then
    -- there is nothing to do
  elseif kind == 'message' or kind == 'transient' then
    redis.call('RPUSH', job_key(id), message)
    if redis.call('SISMEMBER', TRANSIENT, lane) == 0 then
      forget_empty(TRANSIENT, redis.call('SMEMBERS', TRANSIENT))  -- they go with their consumers
      redis.call('SADD', TRANSIENT, lane)
    end
    redis.call('LPUSH', queue_key(lane), id)
    if kind == 'transient' then  -- when nobody comes for it, it does not stay without end
      redis.call('EXPIRE', job_key(id), 3600)
      redis.call('EXPIRE', queue_key(lane), 3600)
    end
    notify(lane)
  elseif kind == 'next try' and redis.call('HEXISTS', RUNNING, id) == 1 then
    redis.call('SET', successor_key(id), cjson.encode({lane = lane, due = due, message = message}))
  else
    if kind ~= 'once' and redis.call('EXISTS', job_key(id)) == 1 then
      local copy = 2
      while redis.call('EXISTS', job_key(id .. '#' .. copy)) == 1 do copy = copy + 1 end
      id = id .. '#' .. copy
    end
    local event = later and event_text('scheduled', by, due) or at_once
    if redis.call('RPUSH', job_key(id), message, event) > 2 then  -- keeps: begins-once
      redis.call('RPOP', job_key(id), 2)  -- it was known
    elseif later then
      new = new + 1
      redis.call('ZADD', set_key('scheduled'), due, id)
      redis.call('SADD', LANES, lane)
      journal(id, 'scheduled', by, due)
    else
      new = new + 1
      -- only a list that was empty can be one that nobody has heard of
      if redis.call('LPUSH', queue_key(lane), id) == 1 then redis.call('SADD', LANES, lane) end
      journal(id, 'enqueued', by)
      added[lane] = (added[lane] or 0) + 1
    end
  end
end
if new > 0 then
  redis.call('HINCRBY', COUNTERS, 'enqueued', new)  -- keeps: sum
end
for lane, jobs in pairs(added) do notify(lane, jobs) end
return new
