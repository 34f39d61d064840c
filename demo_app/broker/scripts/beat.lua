-- Renew a lease. ARGV: worker, lease in milliseconds, what it says of itself (JSON), then the ids of
-- the jobs that it holds and has not begun: should it die, they had no part in it.
-- Returns 1; or 0 when the worker was taken for dead meanwhile: what it held is another's now.
if not is_known(ARGV[1]) then return 0 end
redis.call('SET', worker_key(ARGV[1]), ARGV[3], 'PX', ARGV[2])
redis.call('DEL', waiting_key(ARGV[1]))
in_parts(ARGV, 4, function(...) redis.call('SADD', waiting_key(ARGV[1]), ...) end)
return 1
