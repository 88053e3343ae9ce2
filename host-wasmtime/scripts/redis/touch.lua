#!lua
-- [{tenant, sid, at}]: never lowers a time; sessions that are unknown or ended stay as they are.
-- include keys

for _, note in ipairs(call) do
  local of_key = key('session', id(note.tenant, note.sid))
  local known = redis_call('HMGET', of_key, 'last_seen', 'ended_at')
  if known[1] and not known[2] and tonumber(known[1]) < note.at then
    redis_call('HSET', of_key, 'last_seen', integer(note.at))
  end
end
return '{}'
