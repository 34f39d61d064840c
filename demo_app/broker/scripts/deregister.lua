-- Deregister a worker (ARGV): its jobs go back to the heads of their queues, in their order. Returns their number.
local worker = ARGV[1]
local returned = give_back(worker, function(id, list)
  redis.call('HDEL', RUNNING, id)
  if not follow_successor(id, worker, 'the worker stopped', list) then
    record(id, 'requeued', worker, 'the worker stopped')
  end
end)
journal('', 'worker_stopped', worker)
return #returned
