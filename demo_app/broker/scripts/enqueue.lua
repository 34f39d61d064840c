-- Enqueue messages: each at the tail of its list, or among the scheduled jobs if it is due later.
-- ARGV: producer, the producer's time (seconds since the epoch), then for each message: id, list, due (seconds
--       since the epoch; '' for now), kind, message. If the producer's clock differs from Redis' clock by a
--       second or more, due is shifted by the difference, so that the wait keeps its length.
-- Kinds:
--   once       a job; if its id is known, nothing changes, so that a producer may send it twice
--   job        a job of any Celery producer. If its id is known, a repeated message changes nothing (see
--              `came_before`), and a different message becomes a further job, with the suffix #2 (#3, ...)
--   next try   a job that replaces the running job with this id (`retry`, `replace`); treated like `job` if that
--              job does not run
--   message    not a task, so it is not counted as a job
--   transient  like message, in a list that is deleted with its consumer
-- Returns the number of new jobs, or an error if Redis is full.
local by, new, added = ARGV[1], 0, {}
local ahead = now - tonumber(ARGV[2])
if math.abs(ahead) < 1 then ahead = 0 end
local at_once = event_text('enqueued', by)

-- If Redis is full (maxmemory), forget the oldest ended jobs. Return the error if that does not free enough.
-- SETRANGE with an empty text writes nothing, but fails if Redis is full. Redis does not refuse a script's later
-- writes once the script has deleted a key.
local reply = redis.pcall('SETRANGE', P .. 'nothing', 0, '')
if type(reply) == 'table' and string.find(reply.err, 'OOM', 1, true) then
  local bytes = 4000
  for i = 3, #ARGV do bytes = bytes + 2 * #ARGV[i] end
  if forget_oldest(bytes) < bytes then return reply end
end

-- If another program has overwritten a queue, fail here, before the first write.
for i = 4, #ARGV, 5 do redis.call('LLEN', queue_key(ARGV[i])) end

-- Return a message's delivery tag with its quotes. Use the last field with this name: a header may have the name too.
-- A repeated message has the same tag.
local function tag_of(text) return string.match(text, '.*"delivery_tag":%s*("[^"]*")') end

-- Return true if this id has the same message: its producer did not receive the reply, and sent it again. Return
-- false if the id has another message, and nil if the id is unknown.
local function came_before(id, list, message, tag)
  local stored = redis.call('LINDEX', job_key(id), 0)
  if not stored then return nil end
  -- an exchange may route the same message, with the same tag, to two queues
  return stored == message or tag and string.find(stored, tag, 1, true) and list_of(id) == list or false
end

for i = 3, #ARGV, 5 do
  local id, list, due, kind, message = unpack(ARGV, i, i + 4)
  -- put '=' before a job's id that begins with '~': such an id marks a message that is not a job (see `is_job`)
  local is_task = kind == 'once' or kind == 'job' or kind == 'next try'
  if is_task and not is_job(id) then id = '=' .. id end
  local later = due ~= '' and tonumber(due) + ahead > now
  if later then
    follow_clock()
    due = string.format('%.6f', tonumber(due) + ahead)
  end
  local known = kind ~= 'once' and redis.call('EXISTS', job_key(id)) == 1
  local tag = known and tag_of(message)
  if known and came_before(id, list, message, tag) then
    -- the message is stored already
  elseif kind == 'message' or kind == 'transient' then
    redis.call('RPUSH', job_key(id), message)
    if redis.call('SISMEMBER', TRANSIENT, list) == 0 then
      forget_empty(TRANSIENT, redis.call('SMEMBERS', TRANSIENT))  -- lists of consumers that do not exist any more
      redis.call('SADD', TRANSIENT, list)
    end
    redis.call('LPUSH', queue_key(list), id)
    notify(list)
    if kind == 'transient' then  -- let it expire: its consumer may not exist any more
      redis.call('EXPIRE', job_key(id), 3600)
      if redis.call('SISMEMBER', LISTS, list) == 0 then  -- a list with jobs must not expire
        redis.call('EXPIRE', queue_key(list), 3600)
        redis.call('EXPIRE', wake_key(list), 3600)
      end
    end
  elseif kind == 'next try' and redis.call('HEXISTS', RUNNING, id) == 1 then
    redis.call('SET', successor_key(id), cjson.encode({due = due, message = message}))
  else
    if known then
      local copy = 2
      while came_before(id .. '#' .. copy, list, message, tag) == false do copy = copy + 1 end
      id = id .. '#' .. copy
    end
    local event = later and event_text('scheduled', by, due) or at_once
    if redis.call('RPUSH', job_key(id), message, event) > 2 then  -- keeps: begins-once
      redis.call('RPOP', job_key(id), 2)  -- the id was known: undo the RPUSH
    elseif later then
      new = new + 1
      redis.call('ZADD', set_key('scheduled'), due, id)
      redis.call('SADD', LISTS, list)
      journal(id, 'scheduled', by, due)
    else
      new = new + 1
      redis.call('LPUSH', queue_key(list), id)
      if not added[list] and redis.call('SADD', LISTS, list) == 1 then  -- once is enough
        redis.call('PERSIST', queue_key(list))
      end
      journal(id, 'enqueued', by)
      added[list] = (added[list] or 0) + 1
    end
  end
end
if new > 0 then
  redis.call('HINCRBY', COUNTERS, 'enqueued', new)  -- keeps: sum
end
for list, jobs in pairs(added) do notify(list, jobs) end
return new
