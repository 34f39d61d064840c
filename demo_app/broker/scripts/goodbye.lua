-- A worker leaves: what it still holds goes back to the head of its queue, in its order.
-- ARGV: worker. Returns how many jobs that were.
local worker, returned = ARGV[1], 0
for _, lane in ipairs(redis.call('SMEMBERS', 'lanes')) do
  local claims = 'claims:' .. lane .. ':' .. worker
  while true do
    local id = redis.call('LMOVE', claims, 'queue:' .. lane, 'LEFT', 'RIGHT')
    if not id then break end
    record(id, 'requeued', worker, 'the worker stopped')
    returned = returned + 1
  end
end
redis.call('SREM', 'workers', worker)
redis.call('SREM', 'quiet', worker)
redis.call('DEL', 'worker:' .. worker)
redis.call('XADD', 'journal', 'MAXLEN', '~', JOURNAL_LENGTH, '*',
  'job', '', 'event', 'worker_stopped', 'by', worker, 'detail', '')
if returned > 0 then ring() end
return returned
