-- What happened last to each of the jobs: up to four events, the oldest first, and the last claimer;
-- "" for a job that is not known. ARGV: ids.
local answers = {}
for _, id in ipairs(ARGV) do
  local names, owner = {}, ''
  for _, line in ipairs(redis.call('LRANGE', job_key(id), -4, -1)) do
    local name = string.match(line, '^%["([%w_]+)"')
    if name then names[#names + 1] = name end  -- a short list begins with the message
    if name == 'claimed' then owner = cjson.decode(line)[3] end
  end
  answers[#answers + 1] = table.concat(names, ' ') .. '|' .. owner
end
return answers
