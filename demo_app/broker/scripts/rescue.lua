-- Give back what dead workers held: to the head of its queue, in its order; see `rescued`.
-- Dead is who is in `workers` and had no live key in two looks, a beat apart: after one, its beat may
-- be on its way. Right after Redis was started again, or its clock leapt ahead, every key may have
-- run out at once, so nobody is judged until one lease has passed.
-- ARGV: by whom, lease in milliseconds, a beat in milliseconds, rescues at the most, what the time is
-- by the reckoning of who asks (epoch seconds, '' when it can't tell), what (look, move).
-- Returns {the time, how many may be dead, then the ids that were moved, or for look the dead}.
local by, lease, apart, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
apart = math.min(apart, lease / 4)
local reckoned, what = tonumber(ARGV[5]), ARGV[6]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local seen = redis.call('HMGET', SERVER, 'run', 'since')
if seen[1] ~= run or (reckoned and now - reckoned > lease / 2000) then
  redis.call('HSET', SERVER, 'run', run, 'since', now_text)
  redis.call('DEL', SUSPECTS)
  return {now_text, 0}
end
if now >= tonumber(seen[2]) and now - tonumber(seen[2]) < lease / 1000 then return {now_text, 0} end

-- Whether this look and an earlier one found no sign of life; too early a look proves nothing.
local function is_dead(worker, first_look)
  local age = first_look and 1000 * (now - first_look)
  if age and age >= 0 and age <= lease then return age >= apart end
  redis.call('HSET', SUSPECTS, worker, now_text)
  return false
end

local found, suspected = {}, 0
for _, worker in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local left = redis.call('PTTL', worker_key(worker))
  local first_look = tonumber(redis.call('HGET', SUSPECTS, worker) or nil)
  if left > lease then  -- the clock was set back: nobody may seem alive for hours
    redis.call('PEXPIRE', worker_key(worker), lease)
  end
  if left ~= -2 then
    if first_look then redis.call('HDEL', SUSPECTS, worker) end
  else
    suspected = suspected + 1
    if is_dead(worker, first_look) then found[#found + 1] = worker end
  end
end
if what == 'look' then return {now_text, suspected, unpack(found)} end

local moved = {now_text, suspected}
for _, worker in ipairs(found) do
  local waiting = waiting_key(worker)
  local ids = give_back(worker, function(id, lane)
    local victim = redis.call('SISMEMBER', waiting, id) == 0 and worker or ''
    rescued(id, lane, by, worker, most, victim)
  end)
  for _, id in ipairs(ids) do moved[#moved + 1] = id end
  journal('', 'worker_died', by, worker)
end
return moved
