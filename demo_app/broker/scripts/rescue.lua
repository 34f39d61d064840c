-- Give back what dead workers held: to the head of its queue, in its order; see `rescued`.
-- Dead is who is in `workers` and had no live key in two looks, a beat apart: after one, its beat may
-- be on its way. Each worker is judged by its own lease. Right after Redis was started again, or its
-- clock leapt ahead, every key may have run out at once; and who asks may have been cut off from Redis
-- together with others. So nobody is judged until all that is one lease ago.
-- ARGV: by whom, its lease in milliseconds, its beat in milliseconds, rescues at the most, for how many
-- seconds it has not been cut off, what our time was when it looked last, and how many seconds ago that
-- was by its clock that can't leap, and by the one on its wall (none of these at its first look).
-- One look each half beat serves the whole fleet: if each worker looked at each other one, the cost
-- would grow with the square of their number. Whoever has been connected for longer than the last one
-- who looked may judge more, and looks as well.
-- Returns {the time, how many may be dead, then the ids that were moved}.
local by, own_lease, own_beat = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local most, then_ = tonumber(ARGV[4]), tonumber(ARGV[6])
local ahead = then_ and now - then_ - ARGV[7] or 0
if then_ then
  -- a machine that slept has a wall clock that leapt too, and is right
  local leap = math.min(ahead, now - then_ - ARGV[8])
  if leap > 1 and tonumber(redis.call('HGET', SERVER, 'leapt') or 0) < then_ then
    leap_ahead(leap)  -- keeps: not-early
  end
end
local connected, look_ms = math.min(tonumber(ARGV[5]), 3600), math.min(own_beat, 500) / 2
local look_left = redis.call('PTTL', LOOK)  -- more than it was set to: the clock was set back
if ahead <= own_lease / 2000 and look_left > 0 and look_left <= look_ms
    and tonumber(redis.call('GET', LOOK)) >= connected then
  return {now_text, redis.call('HLEN', SUSPECTS)}
end
redis.call('SET', LOOK, connected, 'PX', math.max(1, math.floor(look_ms)))
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local seen = redis.call('HMGET', SERVER, 'run', 'since')
if seen[1] ~= run or ahead > own_lease / 2000 then
  redis.call('HSET', SERVER, 'run', run, 'since', now_text)
  redis.call('DEL', SUSPECTS)
  return {now_text, 0}
end
local calm = now < tonumber(seen[2]) and math.huge or now - tonumber(seen[2])
calm = 1000 * math.min(calm, tonumber(ARGV[5]))

-- Whether this look and an earlier one found no sign of life; too early a look proves nothing.
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
  local lease = tonumber(redis.call('HGET', LEASES, worker) or own_lease)  -- an old one has not said
  local left = redis.call('PTTL', worker_key(worker))
  local first_look = tonumber(redis.call('HGET', SUSPECTS, worker) or nil)
  if left > lease then  -- the clock was set back: nobody may seem alive for hours
    redis.call('PEXPIRE', worker_key(worker), lease)
  end
  if left ~= -2 then
    if first_look then redis.call('HDEL', SUSPECTS, worker) end
  elseif calm >= lease then  -- keeps: alive
    suspected = suspected + 1
    if is_dead(worker, lease, first_look) then
      if redis.call('SISMEMBER', PAUSED, worker) == 1 then  -- it may come back: see register.lua
        redis.call('SET', was_paused_key(worker), '', 'PX', 7 * 86400 * 1000)
      end
      local _, stay = give_back(worker, function(id, lane)
        local began = redis.call('SISMEMBER', waiting_key(worker), id) == 0
        rescued(id, lane, by, worker, most, began and worker or '')
        moved[#moved + 1] = id
      end)
      if not stay then journal('', 'worker_died', by, worker) end
    end
  end
end
-- While somebody is to blame, each claim takes longer: a job that was deleted by hand is not.
for _, id in ipairs(redis.call('HKEYS', DEATHS)) do
  id = string.gsub(id, '^~', '')
  if redis.call('EXISTS', job_key(id)) == 0 then forget_deaths(id) end
end
-- A rescue and a page examine every list. A hundred cost next to nothing, and a page shows those of
-- them that are empty too.
if redis.call('SCARD', LANES) > 100 then
  forget_empty(LANES, redis.call('SRANDMEMBER', LANES, 20))
end
table.insert(moved, 1, suspected)
table.insert(moved, 1, now_text)
return moved
