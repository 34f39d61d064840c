-- Ask a worker to take no new job, or to take jobs again. ARGV: worker, yes (1) or no (0).
-- Returns 1; 0 when there is no such worker.
if redis.call('SISMEMBER', WORKERS, ARGV[1]) == 0 then return 0 end
local pause = ARGV[2] == '1'
redis.call(pause and 'SADD' or 'SREM', PAUSED, ARGV[1])
journal('', pause and 'worker_paused' or 'worker_resumed', ARGV[1])
notify()
return 1
