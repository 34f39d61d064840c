-- The second half of that experiment: record who took the job. ARGV: worker, lane, id.
redis.call('LPUSH', 'claims:' .. ARGV[2] .. ':' .. ARGV[1], ARGV[3])
record(ARGV[3], 'claimed', ARGV[1])
return 1
