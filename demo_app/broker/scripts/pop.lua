-- For an experiment only: take a job as stock Celery does, off its queue and recorded nowhere.
-- ARGV: worker, how many at the most (it takes one), then its lanes. Returns what claim.lua returns.
if redis.call('SISMEMBER', 'workers', ARGV[1]) == 0 then
  return redis.error_reply('LEASELOST ' .. ARGV[1] .. ' was taken for dead; its jobs went to others')
end
for i = 3, #ARGV do
  local id = redis.call('RPOP', 'queue:' .. ARGV[i])
  if id then return {id, ARGV[i], redis.call('LINDEX', 'job:' .. id, 0)} end
end
redis.call('SET', 'idle', 1)
local last = redis.call('XREVRANGE', 'wake', '+', '-', 'COUNT', 1)
return {last[1] and last[1][1] or '0-0'}
