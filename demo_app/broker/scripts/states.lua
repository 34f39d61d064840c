-- The state of each of these jobs; '' for one that is not known.
-- ARGV: the state after each event (JSON; fold.py has it), then ids.
local STATE, answers = cjson.decode(ARGV[1]), {}
for i = 2, #ARGV do
  local state, number = nil, -1
  while not state and number >= -9 do
    local name = event_at(ARGV[i], number)
    if not name then break end
    state = STATE[name]
    number = number - 1
  end
  answers[i - 1] = state or ''
end
return answers
