-- Pause or resume a worker or a queue. Returns 1, or 0 for an unknown worker.
-- ARGV: 'worker' or 'queue', its name, pause (1) or resume (0), then the members of the set `paused` that change.
local what, name, pause = ARGV[1], ARGV[2], ARGV[3] == '1'
if what == 'worker' and not is_known(name) then return 0 end
for i = 4, #ARGV do redis.call(pause and 'SADD' or 'SREM', PAUSED, ARGV[i]) end
journal('', what .. (pause and '_paused' or '_resumed'), name)
if what == 'worker' then
  -- the token ends the worker's wait; a paused worker that waits would take the tokens of other workers
  redis.call('LPUSH', resume_key(name), '')
else
  for i = 4, #ARGV do
    local list = string.sub(ARGV[i], 7)
    redis.call('SADD', LISTS, list)  -- so that pages show the queue before its first job
    if not pause then pass_on({list}) end
  end
end
return 1
