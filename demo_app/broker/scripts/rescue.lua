-- Requeue the jobs of dead workers at the heads of their queues, in their order; see `rescued`.
-- A worker is dead if two checks, about a heartbeat interval apart, found its lease expired: at the first check a
-- heartbeat may still be in transit. After each of these events a worker is declared dead only when the length of the
-- worker's lease has passed:
--   - a restart of Redis, or a leap of Redis' clock: all keys may have expired together;
--   - a reconnection of the worker that checks: other workers may have been cut off too.
-- One check per half heartbeat interval (at most 250 ms) is enough for all workers; if each worker checked, the cost
-- would grow with the square of their number. But a worker that has been connected for longer than the last worker
-- that checked may find more dead workers, so it checks too.
-- ARGV: worker that checks, its lease (milliseconds), its heartbeat interval (milliseconds), limit of deaths (see
-- `rescued`), seconds since it connected; then, except at its first check: Redis' time at its last check, and the
-- seconds since then by its monotonic clock and by its wall clock.
-- Returns {Redis' time, number of suspects, number of writes that Redis has refused (0 if all came before the last
-- rewrite of its append-only file), then the ids of the jobs that were moved}.
local by, own_lease, own_beat = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, then_ = tonumber(ARGV[4]), tonumber(ARGV[6])
local ahead = then_ and now - then_ - ARGV[7] or 0
if then_ then
  -- if the machine slept, the worker's wall clock has leapt too: nothing to correct
  local leap = math.min(ahead, now - then_ - ARGV[8])
  if leap > 1 and tonumber(redis.call('HGET', SERVER, 'leapt') or 0) < then_ then
    leap_ahead(leap)  -- keeps: not-early
  end
end
local connected, look_ms = math.min(tonumber(ARGV[5]), 3600), math.min(own_beat, 500) / 2
local look_left = redis.call('PTTL', LOOK)  -- above look_ms if the clock was set back
if ahead <= own_lease / 2000 and look_left > 0 and look_left <= look_ms
    and tonumber(redis.call('GET', LOOK)) >= connected then
  return {now_text, redis.call('HLEN', SUSPECTS), 0}
end
redis.call('SET', LOOK, connected, 'PX', math.max(1, math.floor(look_ms)))
local info = redis.call('INFO', 'server', 'persistence', 'errorstats')
local run = string.match(info, 'run_id:(%w+)')
local seen = redis.call('HMGET', SERVER, 'run', 'since', 'refused')
if seen[1] ~= run or ahead > own_lease / 2000 then
  redis.call('HSET', SERVER, 'run', run, 'since', now_text)
  redis.call('HDEL', SERVER, 'refused')
  redis.call('DEL', SUSPECTS)
  return {now_text, 0, 0}
end
local refused = string.match(info, 'aof_enabled:1') and string.match(info, 'errorstat_MISCONF:count=(%d+)')
if refused == seen[3] then refused = nil end
local calm = now < tonumber(seen[2]) and math.huge or now - tonumber(seen[2])
calm = 1000 * math.min(calm, tonumber(ARGV[5]))

-- Return true if an earlier check also found the lease expired, and that check was at least one heartbeat interval
-- ago (or a quarter of the lease, if that is shorter). If there was no earlier check, or it was longer ago than a
-- lease, record the worker as a suspect and return false.
local function is_dead(worker, lease, first_look)
  local age = first_look and 1000 * (now - first_look)
  if age and age >= 0 and age <= math.max(lease, own_lease) then
    return age >= math.min(own_beat * lease / own_lease, lease / 4)
  end
  redis.call('HSET', SUSPECTS, worker, now_text)
  return false
end

local suspected, moved = 0, {}
for _, worker in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local lease = tonumber(redis.call('HGET', LEASES, worker) or own_lease)  -- workers of an older version store none
  local left = redis.call('PTTL', worker_key(worker))
  local first_look = tonumber(redis.call('HGET', SUSPECTS, worker) or nil)
  if left > lease then  -- the clock was set back: a dead worker must not seem alive for hours
    redis.call('PEXPIRE', worker_key(worker), lease)
  end
  if left ~= -2 then
    if first_look then redis.call('HDEL', SUSPECTS, worker) end
  elseif calm >= lease then  -- keeps: alive
    suspected = suspected + 1
    if is_dead(worker, lease, first_look) then
      if redis.call('SISMEMBER', PAUSED, worker) == 1 then  -- the worker may register again: see register.lua
        redis.call('SET', was_paused_key(worker), '', 'PX', 7 * 86400 * 1000)
      end
      local _, stay = give_back(worker, function(id, list)
        local began = redis.call('SISMEMBER', waiting_key(worker), id) == 0
        rescued(id, list, by, worker, limit, began and worker or '')
        moved[#moved + 1] = id
      end)
      if not stay then journal('', 'worker_died', by, worker) end
    end
  end
end
-- Forget the deaths of jobs that another program has deleted, since entries in DEATHS make each claim slower.
for _, id in ipairs(redis.call('HKEYS', DEATHS)) do
  id = string.gsub(id, '^~', '')
  if redis.call('EXISTS', job_key(id)) == 0 then forget_deaths(id) end
end
-- Rescues and pages read every list: forget empty lists if there are more than 100.
if redis.call('SCARD', LISTS) > 100 then
  forget_empty(LISTS, redis.call('SRANDMEMBER', LISTS, 20))
end
for i, value in ipairs({now_text, suspected, tonumber(refused or 0)}) do table.insert(moved, i, value) end
return moved
