-- Change a scheduled, retrying or dead job, as a person has decided.
-- ARGV: id, what (see `Queue.decide`), author. Returns the state before the change, or '' if nothing was changed.
local id, what, by = unpack(ARGV)
local list = (what == 'delete' or what == 'moved') and list_of(id)
local was = list and redis.call('LREM', queue_key(list), -1, id) == 1 and 'queued'
for _, state in ipairs({'scheduled', 'retrying', 'dead'}) do
  if redis.call('ZREM', set_key(state), id) == 1 then was = state end
end
if not was then return '' end
if what == 'retry' then
  release(id, by, 'brought back from ' .. was)
elseif what == 'moved' then
  forget(id, by, 'moved to another broker')
else
  end_job('discarded', id, by, 'from ' .. was)
end
return was
