-- Record that jobs begin that the last heartbeat listed as waiting: if their worker dies now, they may be
-- the cause. ARGV: worker, then their ids.
in_parts(ARGV, 2, function(...) redis.call('SREM', waiting_key(ARGV[1]), ...) end)
