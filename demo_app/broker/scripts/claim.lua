-- Claim the next jobs from the head of the first list that has one.
-- ARGV: worker, limit, then its lists, the most urgent first.
-- Returns the list of `claim` (_claims.lua), or a list with its reason (if any) if there is no job.
if not is_known(ARGV[1]) then
  return redis.error_reply('LEASELOST ' .. ARGV[1] .. ' was judged dead; its jobs were given to other workers')
end
local claimed, why = claim(ARGV[1], tonumber(ARGV[2]), {unpack(ARGV, 3)})
return #claimed > 0 and claimed or {why}
