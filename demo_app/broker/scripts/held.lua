-- What a worker holds. ARGV: worker, then its lanes. Returns lane, id and number of each claim.
local held = {}
for i = 2, #ARGV do
  for _, id in ipairs(redis.call('LRANGE', claims_key(ARGV[i], ARGV[1]), 0, -1)) do
    held[#held + 1] = ARGV[i]
    held[#held + 1] = id
    held[#held + 1] = redis.call('HGET', RUNNING, id) or '0'
  end
end
return held
