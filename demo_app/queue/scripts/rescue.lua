-- Give back what dead workers held: to the head of its queue, in its order. A job rescued twice is
-- a suspect and runs alone from then on, so that a poison pill takes no neighbour with it; one
-- rescued too often goes to the dead.
-- Dead is who stands in `workers` and has no live key. Right after Redis was started again every
-- key may have run out while it was down, so nobody is judged until one lease has passed.
-- ARGV: by whom, lease in milliseconds, rescues at the most.
-- Returns the ids that were moved.
local by, lease, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local seen = redis.call('HMGET', 'server', 'run', 'since')
if seen[1] ~= run then
  redis.call('HSET', 'server', 'run', run, 'since', now_text)
  return {}
end
if now >= tonumber(seen[2]) and now - tonumber(seen[2]) < lease / 1000 then return {} end

local function rescues_of(id)
  local count = 0
  for _, event in ipairs(redis.call('LRANGE', 'job:' .. id, 1, -1)) do
    if string.sub(event, 1, 11) == '["rescued",' then count = count + 1 end
  end
  return count
end

local moved = {}
for _, worker in ipairs(redis.call('SMEMBERS', 'workers')) do
  local left = redis.call('PTTL', 'worker:' .. worker)
  if left > lease then  -- the clock was set back: nobody may seem alive for hours
    redis.call('PEXPIRE', 'worker:' .. worker, lease)
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
if #moved > 0 then ring() end
return moved
