-- A worker's first sign of life, before its first claim.
-- ARGV: worker, lease in milliseconds, what it says of itself (JSON).
redis.call('SADD', 'workers', ARGV[1])
redis.call('SET', 'worker:' .. ARGV[1], ARGV[3], 'PX', ARGV[2])
redis.call('XADD', 'journal', 'MAXLEN', '~', JOURNAL_LENGTH, '*',
  'job', '', 'event', 'worker_started', 'by', ARGV[1], 'detail', ARGV[3])
return 1
