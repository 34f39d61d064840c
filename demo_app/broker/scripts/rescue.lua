-- Give back what dead workers held: to the head of its queue, in its order; see `rescued`.
-- Dead is who is in `workers` and has no live key. Right after Redis was started again, or its
-- clock leapt ahead, every key may have run out at once, so nobody is judged until one lease has
-- passed.
-- ARGV: by whom, lease in milliseconds, rescues at the most, what the time is by the reckoning of
-- who asks (epoch seconds, '' when it can't tell), what (look, move).
-- Returns {the time, then the ids that were moved, or for look the dead workers}.
local by, lease, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local reckoned, what = tonumber(ARGV[4]), ARGV[5]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local seen = redis.call('HMGET', SERVER, 'run', 'since')
if seen[1] ~= run or (reckoned and now - reckoned > lease / 2000) then
  redis.call('HSET', SERVER, 'run', run, 'since', now_text)
  return {now_text}
end
if now >= tonumber(seen[2]) and now - tonumber(seen[2]) < lease / 1000 then return {now_text} end

local moved = {now_text}
for _, worker in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local left = redis.call('PTTL', worker_key(worker))
  if left > lease then  -- the clock was set back: nobody may seem alive for hours
    redis.call('PEXPIRE', worker_key(worker), lease)
  elseif left == -2 and what == 'look' then
    moved[#moved + 1] = worker
  elseif left == -2 then
    for _, lane in ipairs(all_lanes()) do
      while true do
        local id = redis.call('LMOVE', claims_key(lane, worker), queue_key(lane), 'LEFT', 'RIGHT')
        if not id then break end
        moved[#moved + 1] = id
        rescued(id, lane, by, worker, most)
      end
    end
    redis.call('SREM', WORKERS, worker)
    redis.call('SREM', PAUSED, worker)
    journal('', 'worker_died', by, worker)
  end
end
if what == 'move' and #moved > 1 then notify() end
return moved
