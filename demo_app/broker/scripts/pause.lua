-- Ask a worker to take no new job, or all workers to take none from a queue; or to take jobs again.
-- ARGV: what it is (worker, queue), its name, yes (1) or no (0), its members of `paused`.
-- Returns 1; 0 when there is no such worker.
local what, name, pause = ARGV[1], ARGV[2], ARGV[3] == '1'
if what == 'worker' and not is_known(name) then return 0 end
for i = 4, #ARGV do redis.call(pause and 'SADD' or 'SREM', PAUSED, ARGV[i]) end
journal('', what .. (pause and '_paused' or '_resumed'), name)
if what == 'worker' then
  -- also when it is to pause: else it would take the tokens of jobs that it does not claim
  redis.call('LPUSH', resume_key(name), '')
else
  for i = 4, #ARGV do
    local lane = string.sub(ARGV[i], 7)
    redis.call('SADD', LANES, lane)  -- a page shows that it is paused before its first job, too
    if not pause then notify(lane, redis.call('LLEN', queue_key(lane))) end
  end
end
return 1
