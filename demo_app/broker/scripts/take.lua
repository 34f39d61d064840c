-- Take the next messages for a consumer without acknowledgement (AMQP: no-ack): they count as done.
-- ARGV: consumer, limit, then the lists. Returns a list as claim.lua does.
local by, taken = ARGV[1], (claim(ARGV[1], tonumber(ARGV[2]), {unpack(ARGV, 3)}))
for i = 1, #taken, 5 do
  local id, list = taken[i], taken[i + 1]
  redis.call('LREM', claims_key(list, by), 1, id)
  redis.call('HDEL', RUNNING, id)
  end_job('done', id, by, 'taken without acknowledgement')
end
return taken
