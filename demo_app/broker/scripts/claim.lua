-- Claim the next jobs from the head of the first list that has one.
-- ARGV: worker, limit, then its lists, the most urgent first.
-- Returns the list from `claim` (_claims.lua). If there is no job, the list is empty or has one item, 'paused' or
-- 'soon' (see `claim`). The reply is an error LEASELOST if the worker is not registered.
if not is_known(ARGV[1]) then
  return redis.error_reply('LEASELOST ' .. ARGV[1] .. ' has no lease any more: other workers may run its jobs')
end
local claimed, why = claim(ARGV[1], tonumber(ARGV[2]), {unpack(ARGV, 3)})
return #claimed > 0 and claimed or {why}
