-- Let nobody take jobs from a queue, or let them again. ARGV: queue, yes (1) or no (0), its lanes.
local pause = ARGV[2] == '1'
for i = 3, #ARGV do redis.call(pause and 'SADD' or 'SREM', PAUSED, 'queue:' .. ARGV[i]) end
journal('', pause and 'queue_paused' or 'queue_resumed', ARGV[1])
notify()
