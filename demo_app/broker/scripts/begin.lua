-- Jobs begin of which the last beat said that they wait: should their worker die, they may be the
-- cause. ARGV: worker, then their ids.
in_parts(ARGV, 2, function(...) redis.call('SREM', waiting_key(ARGV[1]), ...) end)
