-- Renew a lease. ARGV: worker, lease in milliseconds, what it says of itself (JSON).
-- Returns 1; or 0 when the worker was taken for dead meanwhile: what it held is another's now.
if redis.call('SISMEMBER', WORKERS, ARGV[1]) == 0 then return 0 end
redis.call('SET', worker_key(ARGV[1]), ARGV[3], 'PX', ARGV[2])
return 1
