#!lua
-- {record, session, open, guard}: answers {epoch} or {failed}.
-- include keys
-- include writes

local record, session, guard = call.record, call.session, given(call.guard)
local epoch = epoch_of(record.tenant, record.subject)
if guard and epoch > guard then return '{"failed":"epoch"}' end
if call.open then
  if session_known(session) then return '{"failed":"conflict"}' end
elseif not joinable(session.tenant, session.sid, session.subject) then
  return '{"failed":"session"}'
end
if record_known(record) then return '{"failed":"conflict"}' end
if call.open then put_session(session) else join_session(session) end
put_record(record, epoch)
return cjson.encode({ epoch = integer(epoch) })
