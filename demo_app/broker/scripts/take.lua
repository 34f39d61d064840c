-- Take the next message for a consumer that does not acknowledge (AMQP: no-ack): it is gone from
-- here at once. ARGV: by whom, how many at the most, then the lanes.
-- Returns what claim.lua returns.
local by, taken = ARGV[1], {}
for i = 3, #ARGV do
  while #taken < 5 * tonumber(ARGV[2]) do
    local id = redis.call('RPOP', queue_key(ARGV[i]))
    if not id then break end
    local message = redis.call('LINDEX', job_key(id), 0)
    if message then
      taken[#taken + 1] = id
      taken[#taken + 1] = ARGV[i]
      taken[#taken + 1] = '0'
      taken[#taken + 1] = redelivered(id)
      taken[#taken + 1] = message
      end_job('done', id, by, 'taken without acknowledgement')
    end
  end
end
if #taken > 0 then return taken end
return {wait_from()}
