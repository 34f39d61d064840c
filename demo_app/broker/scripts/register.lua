-- A worker's first sign of life, before its first claim.
-- ARGV: worker, lease in milliseconds, what it says of itself (JSON).
redis.call('SADD', WORKERS, ARGV[1])
redis.call('SET', worker_key(ARGV[1]), ARGV[3], 'PX', ARGV[2])
journal('', 'worker_started', ARGV[1], ARGV[3])
return 1
