-- Comes before a script: Redis' clock, its expiry and its run are those that the caller names.
-- ARGV: the time (epoch seconds, microseconds), which run of the server this is, then the script's.
local FROZEN = {ARGV[1], ARGV[2], run = ARGV[3], now = ARGV[1] + ARGV[2] / 1e6, real = redis.call}
local redis, given, ARGV = setmetatable({}, {__index = redis}), ARGV, {}
for i = 4, #given do ARGV[i - 3] = given[i] end
FROZEN.key = '\1expiry'  -- hash: key to the moment at which it expires

function FROZEN.expire(key, seconds)
  if FROZEN.real('EXISTS', key) == 0 then return 0 end
  FROZEN.real('HSET', FROZEN.key, key, string.format('%.6f', FROZEN.now + seconds))
  return 1
end

function FROZEN.sweep()
  local expiring = FROZEN.real('HGETALL', FROZEN.key)
  for i = 1, #expiring, 2 do
    local over = tonumber(expiring[i + 1]) <= FROZEN.now
    if over then FROZEN.real('DEL', expiring[i]) end
    if over or FROZEN.real('EXISTS', expiring[i]) == 0 then
      FROZEN.real('HDEL', FROZEN.key, expiring[i])
    end
  end
end

function redis.call(name, ...)
  local command, key = string.upper(name), ...
  if command == 'TIME' then return {FROZEN[1], FROZEN[2]} end
  if command == 'INFO' then return 'run_id:' .. FROZEN.run end
  if command == 'EXPIRE' then return FROZEN.expire(key, select(2, ...)) end
  if command == 'PEXPIRE' then return FROZEN.expire(key, select(2, ...) / 1000) end
  if command == 'PTTL' or command == 'TTL' then
    if FROZEN.real('EXISTS', key) == 0 then return -2 end
    local at = FROZEN.real('HGET', FROZEN.key, key)
    local unit = command == 'TTL' and 1 or 1000
    return at and math.floor((tonumber(at) - FROZEN.now) * unit + 0.5) or -1
  end
  if command == 'DEL' then FROZEN.real('HDEL', FROZEN.key, ...) end
  if command == 'SETEX' or command == 'PSETEX' then
    local seconds, value = select(2, ...)
    FROZEN.real('SET', key, value)
    FROZEN.expire(key, seconds / (command == 'SETEX' and 1 or 1000))
    return {ok = 'OK'}
  end
  if command ~= 'SET' then return FROZEN.real(name, ...) end
  local words, seconds, keep, at = {...}, nil, false, 3
  while words[at] do
    local option = string.upper(words[at])
    if option == 'EX' or option == 'PX' then
      seconds = words[at + 1] / (option == 'EX' and 1 or 1000)
      table.remove(words, at + 1)
      table.remove(words, at)
    else
      keep = keep or option == 'KEEPTTL'
      at = at + 1
    end
  end
  local answer = FROZEN.real('SET', unpack(words))
  if answer and seconds then FROZEN.expire(key, seconds)
  elseif answer and not keep then FROZEN.real('HDEL', FROZEN.key, key) end
  return answer
end
function redis.pcall(...)
  local fine, answer = pcall(redis.call, ...)
  return fine and answer or {err = tostring(answer)}
end
FROZEN.sweep()
