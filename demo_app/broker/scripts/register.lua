-- Register a worker before its first claim.
-- ARGV: worker, lease (milliseconds), facts about the worker (JSON), its previous name or ''.
-- A worker has a previous name if it was declared dead although it is alive. Its jobs did not kill it, so DEATHS
-- counts a lost lease for each of them instead of a death (see `rescued`). A worker that was paused stays paused.
redis.call('SADD', WORKERS, ARGV[1])
redis.call('SET', worker_key(ARGV[1]), ARGV[3], 'PX', ARGV[2])
redis.call('HSET', LEASES, ARGV[1], ARGV[2])
journal('', 'worker_started', ARGV[1], ARGV[3])
if ARGV[4] ~= '' and redis.call('EXISTS', was_paused_key(ARGV[4])) == 1 then
  redis.call('SADD', PAUSED, ARGV[1])
end
local blamed = ARGV[4] ~= '' and redis.call('HKEYS', DEATHS) or {}
for _, id in ipairs(blamed) do
  local others, deaths = {}, deaths_of(id)
  for _, worker in ipairs(deaths) do
    if worker ~= ARGV[4] then others[#others + 1] = worker end
  end
  if #others < #deaths then
    redis.call('HINCRBY', DEATHS, '~' .. id, 1)
    redis.call('HSET', DEATHS, id, table.concat(others, ' '))
    if #others == 0 then redis.call('HDEL', DEATHS, id) end
  end
end
return 1
