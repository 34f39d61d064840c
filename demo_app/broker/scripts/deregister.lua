-- A worker leaves: what it still holds goes back to the head of its queue, in its order.
-- ARGV: worker. Returns how many jobs that were.
local worker, returned = ARGV[1], 0
for _, lane in ipairs(all_lanes()) do
  while true do
    local id = redis.call('LMOVE', claims_key(lane, worker), queue_key(lane), 'LEFT', 'RIGHT')
    if not id then break end
    redis.call('HDEL', RUNNING, id)
    record(id, 'requeued', worker, 'the worker stopped')
    returned = returned + 1
  end
end
redis.call('SREM', WORKERS, worker)
redis.call('SREM', PAUSED, worker)
redis.call('DEL', worker_key(worker))
journal('', 'worker_stopped', worker)
if returned > 0 then notify() end
return returned
