-- Shared by every script: the clock, the keys, and the functions that record events.
-- P is the prefix of every key; keys.py describes the keys.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local now_text = string.format('%.6f', now)

local function queue_key(list) return P .. 'queue:' .. list end
local function claims_key(list, worker) return P .. 'claims:' .. list .. ':' .. worker end
local function worker_key(worker) return P .. 'worker:' .. worker end
local function waiting_key(worker) return P .. 'waiting:' .. worker end
local function job_key(id) return P .. 'job:' .. id end
local function successor_key(id) return P .. 'successor:' .. id end
local function wake_key(list) return P .. 'wake:' .. list end
local function was_paused_key(worker) return P .. 'paused:' .. worker end
local function resume_key(worker) return P .. 'resume:' .. worker end
local function waits_key(needs) return P .. 'waits:' .. needs end
local function set_key(state) return P .. state end
local WORKERS, LISTS, TRANSIENT = P .. 'workers', P .. 'lists', P .. 'transient'
local PAUSED, DEATHS, SUSPECTS = P .. 'paused', P .. 'deaths', P .. 'suspects'
local RUNNING, COUNTERS, LEASES = P .. 'running', P .. 'counters', P .. 'leases'
local KEPT, LOOK = P .. 'kept', P .. 'look'
local JOURNAL, SERVER = P .. 'journal', P .. 'server'

-- Call act(...) with 1,000 values at a time, from number `first` on: Lua passes at most some 8,000 to a function.
local function in_parts(values, first, act)
  for i = first, #values, 1000 do act(unpack(values, i, math.min(i + 999, #values))) end
end

-- Return false for a message that is not a task (such as a reply to `inspect`): its id begins with '~', it is not
-- counted, and its events are not recorded.
local function is_job(id) return string.sub(id, 1, 1) ~= '~' end

local function event_text(event, by, detail)
  return cjson.encode({event, now_text, by or '', detail or ''})
end

-- Parse a line of a job's history. Return event ('' if the line is the message), time, author, detail (as JSON).
local function event_in(line)
  local event, moment, by, rest = string.match(line, '^%["([%w_]+)","([%d.]+)","([^"]*)","?(.*)')
  return event or '', tonumber(moment), by, rest
end

-- Parse the line with this number (-1 for the last) of the job's history. Return nothing if there is no such line.
local function event_at(id, number)
  local line = redis.call('LINDEX', job_key(id), number)
  if line then return event_in(line) end
end

-- Return the last event that changed the job's state. A late acknowledgement does not change it.
local function last_event(id)
  local number = -1
  while event_at(id, number) == 'late' do number = number - 1 end
  return event_at(id, number)
end

local function is_known(worker) return redis.call('SISMEMBER', WORKERS, worker) == 1 end

-- Shorten the traceback in the detail of a failed try to its last line. Return any other detail unchanged.
local function brief(detail)
  local readable, short = pcall(function()
    local notes = cjson.decode(detail)
    notes.traceback = string.match(notes.traceback, '.*\n(.*%S)') or notes.traceback
    return cjson.encode(notes)
  end)
  return readable and short or detail
end

-- Add an event to the journal. The journal stores only the first 200 bytes of a job's detail; the job's own
-- history stores the whole detail.
local function journal(id, event, by, detail)
  if id ~= '' and #(detail or '') > 200 then
    if event == 'retrying' or event == 'dead' then detail = brief(detail) end
    detail = string.gsub(string.sub(detail, 1, 200), '[\192-\255][\128-\191]*$', '')
  end
  redis.call('XADD', JOURNAL, 'MAXLEN', '~', JOURNAL_LENGTH, '*',
    'job', id, 'event', event, 'by', by or '', 'detail', detail or '')
end

-- Shorten the detail of the last failed try before the next one is recorded: a job may fail very often.
local function shorten_last_failure(id)
  for number = -1, -20, -1 do
    local line = redis.call('LINDEX', job_key(id), number)
    local event = line and event_in(line)
    if not event or event == '' then return end
    if event == 'retrying' or event == 'dead' then
      local parts = cjson.decode(line)
      parts[4] = brief(parts[4])
      redis.call('LSET', job_key(id), number, cjson.encode(parts))
      return
    end
  end
end

local function record(id, event, by, detail)
  if not is_job(id) then return end
  if (event == 'retrying' or event == 'dead') and #(detail or '') > 200 then
    pcall(function() shorten_last_failure(id) end)  -- another program may have written a malformed line
  end
  local length = redis.call('RPUSH', job_key(id), event_text(event, by, detail))  -- keeps: history
  journal(id, event, by, detail)
  return length
end

-- Push a token for each of `jobs` queued jobs of this list (nil: one job), until the list has a token for each
-- worker (without workers, one token). A token wakes one of the workers that wait with BLPOP.
local function notify(list, jobs)
  local free = math.max(1, redis.call('SCARD', WORKERS)) - redis.call('LLEN', wake_key(list))
  for _ = 1, math.min(jobs or 1, free) do redis.call('LPUSH', wake_key(list), '') end  -- keeps: no-idle
end

-- Remove each of these lists from the set `all` (LISTS or TRANSIENT) if it is empty, has no claims and is not
-- paused. The next message adds its list again.
local function forget_empty(all, lists)
  local workers = redis.call('SMEMBERS', WORKERS)
  for _, list in ipairs(lists) do
    local keys, found = {queue_key(list)}, redis.call('SISMEMBER', PAUSED, 'queue:' .. list)
    for _, worker in ipairs(workers) do keys[#keys + 1] = claims_key(list, worker) end
    in_parts(keys, 1, function(...) found = found + redis.call('EXISTS', ...) end)
    if found == 0 then redis.call('SREM', all, list) end
  end
end

-- Return the list that a job's message names; nil if the message was deleted or is malformed.
local function list_of(id)
  local readable, list = pcall(function()
    local info = cjson.decode(redis.call('LINDEX', job_key(id), 0)).properties.delivery_info
    return info.list or info.routing_key
  end)
  return readable and type(list) == 'string' and list or nil
end

-- Add seconds(id, noted) to the score of each job in these states whose score is at least `later_than`.
-- noted: for a scheduled or retrying job, the time of its last event; for an ended job, false.
local function shift(states, later_than, seconds)
  for _, state in ipairs(states) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', set_key(state), later_than, '+inf')) do
      local waits, _, noted = state == 'scheduled' or state == 'retrying', last_event(id)
      redis.call('ZINCRBY', set_key(state), seconds(id, waits and noted), id)
    end
  end
end

-- Adapt the scores to a clock that was set back, so that waiting jobs do not wait longer. SERVER stores the latest
-- time that this function has seen. If that time is in the future, subtract the difference from the scores of the
-- jobs that ended, or began to wait, at a time that is now in the future. From the scores of other waiting jobs,
-- subtract only the time that `leap_ahead` has added.
local function follow_clock()
  local seen, ahead = unpack(redis.call('HMGET', SERVER, 'at', 'ahead'))
  seen, ahead = tonumber(seen or 0), tonumber(ahead or 0)
  if seen - now > 1 then
    local undone = math.min(ahead, seen - now)
    shift({'scheduled', 'retrying', 'dead', 'done', 'discarded'}, now_text, function(_, noted)
      return (not noted or noted > now) and now - seen or -undone
    end)
    redis.call('HSET', SERVER, 'ahead', ahead - undone)
  end
  if seen < now or seen - now > 1 then redis.call('HSET', SERVER, 'at', now_text) end
end

-- Adapt the scores to a clock that was set forward by `leap` seconds, on Redis' machine only: add `leap` to the due
-- times of the jobs that were waiting, so that they do not wait less.
local function leap_ahead(leap)
  shift({'scheduled', 'retrying'}, now - leap, function(_, noted)
    return noted and noted > now - leap + 1 and 0 or leap
  end)
  redis.call('HINCRBYFLOAT', SERVER, 'ahead', leap)
  redis.call('HSET', SERVER, 'leapt', now_text, 'at', now_text)
end

-- Return the time `seconds` from now, as text for a score. First adapt the scores to a clock that was set back.
local function moment_in(seconds)
  follow_clock()
  return string.format('%.6f', now + seconds)
end

-- Add a job to the set of this state, behind the jobs that ended before it, even if the clock was set back.
local function add_newest(state, id)
  local newest = tonumber(redis.call('ZRANGE', set_key(state), -1, -1, 'WITHSCORES')[2] or 0)
  local score = newest < now and now_text or string.format('%.6f', newest + 1e-6)
  redis.call('ZADD', set_key(state), score, id)
end

-- The field '~<id>' counts leases that the job's workers lost (see register.lua).
local function forget_deaths(id) redis.call('HDEL', DEATHS, id, '~' .. id) end

-- Return a shortened message of an ended job, as JSON without the closing brace: the fields that a page shows,
-- and the delivery tag, by which enqueue.lua recognises a repeated message. The text is searched, since decoding is
-- much slower. Names in the body are not found: its quotes are escaped.
local function rest_of(message, id)
  local parts = string.sub(message, string.find(message, '"headers":', 1, true) or 1)
  if string.find(parts, '\\', 1, true) then  -- hide escapes: each text then ends at the next quote
    parts = string.gsub(string.gsub(parts, '\\\\', '\1\1'), '\\"', '\1\2')
  end
  local function value(name, pattern)
    local _, last = string.find(parts, '"' .. name .. '":', 1, true)
    return last and string.match(parts, '^%s*(' .. pattern .. ')', last + 1)
  end
  local function text(name)
    local found = value(name, '"[^"]*"') or 'null'
    return (string.gsub(string.gsub(found, '\1\2', '\\"'), '\1\1', '\\\\'))
  end
  local task, enqueued_at = text('task'), value('enqueued_at', '%-?[%d.]+') or '0'
  parts = string.match(parts, '.*"properties":(.*)') or ''  -- a header may have the name of a property
  local list = text(value('list', '"') and 'list' or 'routing_key')
  return '{"headers":{"task":' .. task .. ',"id":' .. cjson.encode(id) .. ',"enqueued_at":' .. enqueued_at
    .. '},"properties":{"delivery_tag":' .. text('delivery_tag') .. ',"priority":' .. (value('priority', '%d+') or '0')
    .. ',"delivery_info":{"routing_key":' .. list .. ',"list":' .. list .. '}}'
end

-- Add `bytes` to the counter of the bytes of ended jobs. Return the counter.
local function count_bytes(bytes)
  return redis.call('HINCRBY', COUNTERS, 'bytes', string.format('%d', bytes))
end

-- Drop the arguments of a done or discarded job: they may be large or secret. Return the bytes of all ended jobs.
local function drop_arguments(id, detail, length)
  if length < 2 then return count_bytes(0) end  -- somebody deleted its record
  local rest = rest_of(redis.call('LINDEX', job_key(id), 0), id)
  local bytes = #rest + 100 * length + #(detail or '')
  redis.call('LSET', job_key(id), 0, rest .. string.format(',"bytes":%d}', bytes))
  return count_bytes(bytes)
end

-- Forget the `number` oldest jobs in this state (done or discarded). The record of a job of an outbox stays until
-- the outbox has read the job's outcome. Return the approximate number of freed bytes.
local function forget_ended(state, number)
  local counted, freed = 0, 0
  local old = redis.call('ZPOPMIN', set_key(state), number)
  for i = 1, #old, 2 do
    local first = redis.call('LINDEX', job_key(old[i]), 0) or ''
    local bytes = tonumber(string.match(first, ',"bytes":(%d+)}$') or 0)
    counted = counted + bytes
    if redis.call('SISMEMBER', KEPT, old[i]) == 0 then
      redis.call('DEL', job_key(old[i]))
      freed = freed + math.max(bytes, #first)
    end
  end
  count_bytes(-counted)
  return freed
end

-- Forget ended jobs, the oldest first, to free `bytes` bytes. Return the number of bytes freed.
local function forget_oldest(bytes)
  local freed = 0
  for _ = 1, 5000 do
    local state, oldest
    for _, ended in ipairs({'done', 'discarded'}) do
      local first = redis.call('ZRANGE', set_key(ended), 0, 0, 'WITHSCORES')
      if first[2] and (not oldest or tonumber(first[2]) < oldest) then
        state, oldest = ended, tonumber(first[2])
      end
    end
    if not state then redis.call('HDEL', COUNTERS, 'bytes') end
    if not state or freed >= bytes then break end
    freed = freed + forget_ended(state, 1)
  end
  return freed
end

-- End a job, and forget the oldest ended jobs above the limits. The limit of their number is checked only after
-- every 64th job, so up to 63 more may be stored. A dead job stays with its message until a person decides.
local function end_job(state, id, by, detail)
  forget_deaths(id)
  if not is_job(id) then return redis.call('DEL', job_key(id)) end
  local length = record(id, state, by, detail)
  add_newest(state, id)
  if state == 'dead' then return end
  local surplus = drop_arguments(id, detail, length) - HISTORY_BYTES
  if surplus > 0 then forget_oldest(surplus) end
  if redis.call('HINCRBY', COUNTERS, state, 1) % 64 ~= 0 then return end
  surplus = redis.call('ZCARD', set_key(state)) - HISTORY_LENGTH
  if surplus > 0 then forget_ended(state, math.min(surplus, 1000)) end
end

local function set_message(id, message)
  if redis.call('EXISTS', job_key(id)) == 0 then  -- another program deleted the job's record while the job ran
    redis.call('RPUSH', job_key(id), message)
  else
    redis.call('LSET', job_key(id), 0, message)
  end
end

-- Delete a job. The counters count it as discarded.
local function forget(id, by, why)
  forget_deaths(id)
  redis.call('DEL', job_key(id))
  redis.call('HINCRBY', COUNTERS, 'discarded', 1)  -- keeps: sum
  journal(id, 'discarded', by, why)
end

-- Move a due job to the tail of its queue. A job with a malformed message, or with a queue whose key is foreign,
-- becomes dead. A job whose message was deleted is only counted as discarded.
local function release(id, by, detail)
  local list = list_of(id)
  if redis.call('EXISTS', job_key(id)) == 0 then return forget(id, by, 'its message is gone') end
  if not list then return end_job('dead', id, by, 'no queue can be read in its message') end
  if type(redis.pcall('LLEN', queue_key(list))) ~= 'number' then
    return end_job('dead', id, by, 'another program has overwritten its queue')
  end
  redis.call('SADD', LISTS, list)
  redis.call('LPUSH', queue_key(list), id)
  record(id, 'enqueued', by, detail)
  notify(list)
end

-- If a running job has published its own next try (`retry`, `replace`), replace the job with this next try, and
-- return true. list: the list to which the job was just given back, or nil.
local function follow_successor(id, by, detail, list)
  local successor = redis.call('GET', successor_key(id))
  if not successor then return false end
  if list then redis.call('LREM', queue_key(list), -1, id) end
  redis.call('DEL', successor_key(id))
  forget_deaths(id)
  local next_try = cjson.decode(successor)
  set_message(id, next_try.message)
  record(id, 'retrying', by, detail)
  if (tonumber(next_try.due) or 0) > now then
    redis.call('ZADD', set_key('retrying'), next_try.due, id)
  else
    release(id, by, 'it was due')
  end
  return true
end
