-- Take the next jobs: from the head of the first queue that has one, into the worker's claims.
-- ARGV: worker, how many at the most, then its lanes, most urgent first.
-- Returns id, lane and message of each, one after the other; or, when there is nothing to do,
-- only where the wake stream stands.
local worker, most = ARGV[1], tonumber(ARGV[2])
if redis.call('SISMEMBER', 'workers', worker) == 0 then
  return redis.error_reply('LEASELOST ' .. worker .. ' was taken for dead; its jobs went to others')
end
-- A job whose workers died twice is a suspect: it runs alone.
local suspects = redis.call('EXISTS', 'suspects') == 1
local function must_wait(id)
  local holding = 0
  for i = 3, #ARGV do
    for _, held in ipairs(redis.call('LRANGE', 'claims:' .. ARGV[i] .. ':' .. worker, 0, -1)) do
      holding = holding + 1
      if redis.call('SISMEMBER', 'suspects', held) == 1 then return true end
    end
  end
  return holding > 0 and redis.call('SISMEMBER', 'suspects', id) == 1
end

local function claim_from(lane)
  local queue = 'queue:' .. lane
  local head = suspects and redis.call('LINDEX', queue, -1)
  if head and must_wait(head) then return nil, true end
  return redis.call('LMOVE', queue, 'claims:' .. lane .. ':' .. worker, 'RIGHT', 'LEFT'), false
end

local claimed = {}
-- A quiet worker ends what it has and takes nothing new.
local last_lane = redis.call('SISMEMBER', 'quiet', worker) == 1 and 0 or #ARGV
for i = 3, last_lane do
  local id, wait
  repeat
    id, wait = claim_from(ARGV[i])
    if id then
      record(id, 'claimed', worker)
      claimed[#claimed + 1] = id
      claimed[#claimed + 1] = ARGV[i]
      claimed[#claimed + 1] = redis.call('LINDEX', 'job:' .. id, 0)
    end
  until not id or #claimed == 3 * most
  if wait or #claimed == 3 * most then break end
end
if #claimed > 0 then return claimed end
local last = redis.call('XREVRANGE', 'wake', '+', '-', 'COUNT', 1)
return {last[1] and last[1][1] or '0-0'}
