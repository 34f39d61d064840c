-- Give back what dead workers held: to the head of its queue, in its order. A job rescued twice is
-- a suspect and runs alone from then on, so that a poison pill takes no neighbour with it; one
-- rescued too often goes to the dead.
-- Dead is who stands in `workers` and has no live key. Right after Redis was started again, or its
-- clock leapt ahead, every key may have run out at once, so nobody is judged until one lease has
-- passed.
-- ARGV: by whom, lease in milliseconds, rescues at the most, what the time is by the reckoning of
-- who asks (epoch seconds, '' when it can't tell), what (look, move).
-- Returns {the time, then the ids that were moved, or for look the dead workers}.
local by, lease, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local reckoned, what = tonumber(ARGV[4]), ARGV[5]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local seen = redis.call('HMGET', 'server', 'run', 'since')
if seen[1] ~= run or (reckoned and now - reckoned > lease / 2000) then
  redis.call('HSET', 'server', 'run', run, 'since', now_text)
  return {now_text}
end
if now >= tonumber(seen[2]) and now - tonumber(seen[2]) < lease / 1000 then return {now_text} end

local function rescues_of(id)  -- since the last try that came to an end
  local count = 0
  for _, event in ipairs(redis.call('LRANGE', 'job:' .. id, 1, -1)) do
    local name = string.match(event, '^%["(%l+)"')
    if name == 'rescued' then count = count + 1 end
    if name == 'retrying' then count = 0 end
  end
  return count
end

local moved = {now_text}
for _, worker in ipairs(redis.call('SMEMBERS', 'workers')) do
  local left = redis.call('PTTL', 'worker:' .. worker)
  if left > lease then  -- the clock was set back: nobody may seem alive for hours
    redis.call('PEXPIRE', 'worker:' .. worker, lease)
  elseif left == -2 and what == 'look' then
    moved[#moved + 1] = worker
  elseif left == -2 then
    for _, lane in ipairs(redis.call('SMEMBERS', 'lanes')) do
      local claims = 'claims:' .. lane .. ':' .. worker
      while true do
        local id = redis.call('LMOVE', claims, 'queue:' .. lane, 'LEFT', 'RIGHT')
        if not id then break end
        moved[#moved + 1] = id
        record(id, 'rescued', by, worker)
        local rescues = rescues_of(id)
        if rescues >= 2 then redis.call('SADD', 'suspects', id) end
        if rescues > most then
          redis.call('RPOP', 'queue:' .. lane)
          redis.call('SREM', 'suspects', id)
          redis.call('ZADD', 'dead', now_text, id)
          record(id, 'dead', by, 'poison: ' .. (most + 1) .. ' workers died while they ran it')
        end
      end
    end
    redis.call('SREM', 'workers', worker)
    redis.call('SREM', 'quiet', worker)
    redis.call('XADD', 'journal', 'MAXLEN', '~', JOURNAL_LENGTH, '*',
      'job', '', 'event', 'worker_died', 'by', by, 'detail', worker)
  end
end
if what == 'move' and #moved > 1 then ring() end
return moved
