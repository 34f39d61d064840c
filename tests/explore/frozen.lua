-- Prepended to a script, so that the caller sets Redis's time and run id. A key has a time to live
-- in Redis only while a command uses the key. Between commands its expiry time is stored in a hash
-- (FROZEN.key), so that no key expires in real time.
-- ARGV: the time (epoch seconds, microseconds), the server's run id, then the script's arguments.
local FROZEN = {ARGV[1], ARGV[2], run = ARGV[3], now = ARGV[1] + ARGV[2] / 1e6, real = redis.call}
local redis, given, ARGV = setmetatable({}, {__index = redis}), ARGV, {}
for i = 4, #given do ARGV[i - 3] = given[i] end
FROZEN.key, FROZEN.at = '\1expiry', {}  -- hash: key to its expiry time (epoch seconds)
FROZEN.sets = {SET = 1, SETEX = 1, PSETEX = 1, GETEX = 1, EXPIRE = 1, PEXPIRE = 1}

function FROZEN.expire(key, at)
  FROZEN.at[key] = at
  if at then FROZEN.real('HSET', FROZEN.key, key, string.format('%.6f', at))
  else FROZEN.real('HDEL', FROZEN.key, key) end
end

function FROZEN.sweep()
  local expiring = FROZEN.real('HGETALL', FROZEN.key)
  for i = 1, #expiring, 2 do
    local key, at = expiring[i], tonumber(expiring[i + 1])
    if at <= FROZEN.now then FROZEN.real('DEL', key) end
    if FROZEN.real('EXISTS', key) == 0 then FROZEN.expire(key) else FROZEN.at[key] = at end
  end
end

function redis.call(name, ...)
  local command, key = string.upper(name), ...
  if command == 'TIME' then return {FROZEN[1], FROZEN[2]} end
  if command == 'INFO' then return 'run_id:' .. FROZEN.run end
  for _, gone in ipairs(command == 'DEL' and {...} or {}) do
    if FROZEN.at[gone] then FROZEN.expire(gone) end
  end
  local had = FROZEN.at[key] and math.max(1, math.floor((FROZEN.at[key] - FROZEN.now) * 1000 + 0.5))
  if not (had or FROZEN.sets[command]) then return FROZEN.real(name, ...) end
  if had then FROZEN.real('PEXPIRE', key, had) end
  local fine, answer = pcall(FROZEN.real, name, ...)
  local left = FROZEN.real('PTTL', key)
  if left >= 0 then FROZEN.real('PERSIST', key) end
  if left ~= (had or -1) then
    FROZEN.expire(key, left >= 0 and FROZEN.now + left / 1000 or nil)
  end
  if not fine then error(answer, 0) end
  return answer
end
function redis.pcall(...)
  local fine, answer = pcall(redis.call, ...)
  if not fine then return {err = tostring(answer)} end
  return answer
end
FROZEN.sweep()
