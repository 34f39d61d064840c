-- Read a worker's claims. ARGV: worker, then its lists. Returns list, id and number of each claim.
-- Also push the missing tokens for queued jobs (see `pass_on`): a token is lost if its connection breaks.
local held = {}
pass_on({unpack(ARGV, 2)})
for i = 2, #ARGV do
  for _, id in ipairs(redis.call('LRANGE', claims_key(ARGV[i], ARGV[1]), 0, -1)) do
    held[#held + 1] = ARGV[i]
    held[#held + 1] = id
    held[#held + 1] = redis.call('HGET', RUNNING, id) or '0'
  end
end
return held
