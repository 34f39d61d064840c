-- Take the next jobs: from the head of the first queue that has one, into the worker's claims.
-- ARGV: worker, how many at the most, then its lanes, most urgent first.
-- Returns id, lane, number, whether it comes again, and message of each, one after the other; or,
-- when there is nothing to do, only where the wake stream is.
if not is_known(ARGV[1]) then
  return redis.error_reply('LEASELOST ' .. ARGV[1] .. ' was taken for dead; its jobs went to others')
end
return or_where_to_wait(claim(ARGV[1], tonumber(ARGV[2]), {unpack(ARGV, 3)}))
