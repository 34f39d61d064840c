-- Keep jobs until their outbox has read their outcome: an outbox enqueues every unknown job again.
-- ARGV: 1 to keep them, 0 to forget them as usual, then the ids.
for i = 2, #ARGV do
  local id = ARGV[i]
  if ARGV[1] == '1' then
    redis.call('SADD', KEPT, id)
  elseif redis.call('SREM', KEPT, id) == 1 then
    local name = last_event(id)
    local ended = name == 'done' or name == 'discarded'
    if ended and not redis.call('ZSCORE', set_key(name), id) then redis.call('DEL', job_key(id)) end
  end
end
