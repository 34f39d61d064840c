-- Renew a lease. ARGV: worker, lease (milliseconds), facts about the worker (JSON), then the ids of its claimed
-- jobs that have not begun: if the worker dies, they are not the cause.
-- Returns 1, or 0 if the worker was declared dead and its jobs were requeued.
if not is_known(ARGV[1]) then return 0 end
redis.call('SET', worker_key(ARGV[1]), ARGV[3], 'PX', ARGV[2])
redis.call('DEL', waiting_key(ARGV[1]))
in_parts(ARGV, 4, function(...) redis.call('SADD', waiting_key(ARGV[1]), ...) end)
return 1
