-- Discard up to `limit` queued jobs. ARGV: author, limit, then the lists. Returns the number of discarded jobs.
local by, purged = ARGV[1], 0
for i = 3, #ARGV do
  while purged < tonumber(ARGV[2]) do
    local id = redis.call('RPOP', queue_key(ARGV[i]))
    if not id then break end
    end_job('discarded', id, by, 'purged')
    purged = purged + 1
  end
end
return purged
