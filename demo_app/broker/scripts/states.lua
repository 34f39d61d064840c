-- The state of each of these jobs; '' for one that is not known.
-- ARGV: the state after each event (JSON; fold.py has it), then ids.
local STATE, answers = cjson.decode(ARGV[1]), {}
for i = 2, #ARGV do
  answers[i - 1] = STATE[last_event(ARGV[i]) or ''] or ''
end
return answers
