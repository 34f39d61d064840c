-- Take the next jobs: from the head of the first queue that has one, into the worker's claims.
-- ARGV: worker, how many at the most, then its lanes, most urgent first.
-- Returns id, lane, number, whether it comes again, and message of each, one after the other; or,
-- when there is nothing to do, only where the wake stream is.
local worker = ARGV[1]
if redis.call('SISMEMBER', WORKERS, worker) == 0 then
  return redis.error_reply('LEASELOST ' .. worker .. ' was taken for dead; its jobs went to others')
end
local claimed = claim(worker, tonumber(ARGV[2]), from(3, ARGV))
if #claimed > 0 then return claimed end
return {wait_from()}
