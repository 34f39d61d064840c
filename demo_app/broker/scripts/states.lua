-- Return the state of each of these jobs; '' for an unknown one.
-- ARGV: the state after each event (JSON, from fold.py), then the ids.
local STATE, answers = cjson.decode(ARGV[1]), {}
for i = 2, #ARGV do answers[i - 1] = STATE[last_event(ARGV[i]) or ''] or '' end
return answers
