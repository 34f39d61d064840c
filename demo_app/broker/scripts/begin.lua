-- Record that a worker begins jobs that its last heartbeat listed as waiting: if the worker dies now, these jobs
-- may be the cause. ARGV: worker, then the ids.
in_parts(ARGV, 2, function(...) redis.call('SREM', waiting_key(ARGV[1]), ...) end)
