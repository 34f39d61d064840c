-- Ask a worker to take no new job, or to take jobs again. ARGV: worker, yes (1) or no (0).
-- Returns 1; 0 when there is no such worker.
if redis.call('SISMEMBER', 'workers', ARGV[1]) == 0 then return 0 end
local quiet = ARGV[2] == '1'
redis.call(quiet and 'SADD' or 'SREM', 'quiet', ARGV[1])
redis.call('XADD', 'journal', 'MAXLEN', '~', JOURNAL_LENGTH, '*',
  'job', '', 'event', quiet and 'worker_quiet' or 'worker_loud', 'by', ARGV[1], 'detail', '')
ring()
return 1
