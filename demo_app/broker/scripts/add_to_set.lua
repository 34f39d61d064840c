-- Add to a set, when Redis is full as well. ARGV: its key, what to add.
return redis.call('SADD', ARGV[1], ARGV[2])
