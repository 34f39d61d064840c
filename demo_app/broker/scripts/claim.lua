-- Take the next jobs: from the head of the first queue that has one, into the worker's claims.
-- ARGV: worker, how many at the most, then its lanes, most urgent first.
-- Returns what `claim` in _claims.lua returns; when there is nothing to do, only why not, if it says.
if not is_known(ARGV[1]) then
  return redis.error_reply('LEASELOST ' .. ARGV[1] .. ' was taken for dead; its jobs went to others')
end
local claimed, why = claim(ARGV[1], tonumber(ARGV[2]), {unpack(ARGV, 3)})
return #claimed > 0 and claimed or {why}
