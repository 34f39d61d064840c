-- One consistent snapshot of everything, as JSON: the counts, and each worker with what it holds.
local count = {queued = 0, running = 0}
for _, state in ipairs({'scheduled', 'retrying', 'dead'}) do
  count[state] = redis.call('ZCARD', set_key(state))
end
for _, name in ipairs({'enqueued', 'done', 'discarded', 'late'}) do
  count[name] = tonumber(redis.call('HGET', COUNTERS, name) or 0)
end
local lanes = redis.call('SMEMBERS', LANES)
for _, lane in ipairs(lanes) do
  count.queued = count.queued + redis.call('LLEN', queue_key(lane))
end
local workers = {}
for _, worker in ipairs(redis.call('SMEMBERS', WORKERS)) do
  local said = redis.call('GET', worker_key(worker))
  local running = 0
  for _, lane in ipairs(lanes) do
    running = running + redis.call('LLEN', claims_key(lane, worker))
  end
  count.running = count.running + running
  workers[#workers + 1] = {
    id = worker, said = said or '', alive = said ~= false, running = running,
    left = redis.call('PTTL', worker_key(worker)),
    paused = redis.call('SISMEMBER', PAUSED, worker) == 1,
  }
end
return cjson.encode({count = count, workers = workers, at = now_text})
