#!lua flags=no-writes
-- {tenant, subject, at, with_record, after_created_at, after_sid, limit}: answers {sessions, more}.
-- include keys

local index = key('sessions-of', id(call.tenant, call.subject))
local after = given(call.after_created_at)
local first = after and integer(-after) or '-inf'
local sessions, more, offset = {}, false, 0
while not more do
  local sids = redis_call('ZRANGEBYSCORE', index, first, '+inf', 'LIMIT', integer(offset), '100')
  for _, sid in ipairs(sids) do
    local session = row(key('session', id(call.tenant, sid)))
    local later = not after or tonumber(session.created_at) < after or before(call.after_sid, sid)
    local has_record = not call.with_record
      or redis_call('ZCOUNT', key('live-of-session', id(call.tenant, sid)), '(' .. integer(call.at), '+inf') > 0
    if later and tonumber(session.ends_at) > call.at and has_record then
      if #sessions == call.limit then
        more = true
        break
      end
      sessions[#sessions + 1] = session
    end
  end
  if #sids < 100 then break end
  offset = offset + 100
end
return cjson.encode({ sessions = sessions, more = more })
