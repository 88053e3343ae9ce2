#!lua
-- {tenant, subject, include_purposes, exclude_purposes, keep, issued_before, unexpired_after, end_sessions, cut_offs,
-- forget_at, at, reason, notify_purposes, delay_sid, delay_due, limit, dry_run}, where cut_offs has a purpose per
-- cut-off, '' for all of them: answers {sessions, records, notify_records, notify_sessions, pending, more, epoch}.
-- include keys
-- include writes

local tenant, subject, at = call.tenant, call.subject, call.at
local of_subject = id(tenant, subject)
local included = given(call.include_purposes) and set_of(call.include_purposes)
local excluded, kept, told = set_of(call.exclude_purposes), set_of(call.keep), set_of(call.notify_purposes)
local earlier = given(call.issued_before)

local sessions = 0
local counted = {}
local function count_session(sid)
  if counted[sid] then return end
  counted[sid] = true
  sessions = sessions + 1
end

local ending, ends = {}, {}
if call.end_sessions then
  for _, sid in ipairs(redis_call('ZRANGE', key('sessions-of', of_subject), '0', '-1')) do
    local times = redis_call('HMGET', key('session', id(tenant, sid)), 'created_at', 'ends_at')
    if not kept[sid] and (not earlier or tonumber(times[1]) < earlier) then
      ending[#ending + 1] = sid
      ends[sid] = true
      if tonumber(times[2]) > call.unexpired_after then count_session(sid) end
    end
  end
end

local doomed = {}
local notify_records, notify_sessions, notified = 0, 0, {}
for _, jti in ipairs(redis_call('SMEMBERS', key('live-of', of_subject))) do
  local of = redis_call('HMGET', key('record', id(tenant, jti)), 'sid', 'purpose', 'issued_at', 'expires_at')
  local sid, purpose = of[1], of[2]
  local selected = not kept[sid] and (not earlier or tonumber(of[3]) < earlier)
    and (not included or included[purpose]) and not excluded[purpose]
  if tonumber(of[4]) > call.unexpired_after and (ends[sid] or selected) then
    doomed[#doomed + 1] = { jti = jti, sid = sid, told = told[purpose] }
    count_session(sid)
    if told[purpose] and sid ~= call.delay_sid then
      notify_records = notify_records + 1
      if not notified[sid] then
        notified[sid] = true
        notify_sessions = notify_sessions + 1
      end
    end
  end
end

local epoch = epoch_of(tenant, subject)
local pending, more = {}, false
if not call.dry_run then
  epoch = math.min(epoch, 9007199254740990) + 1
  redis_call('SET', key('epoch', of_subject), integer(epoch))
  for _, record in ipairs(doomed) do
    local due = record.told and (record.sid == call.delay_sid and call.delay_due or at) or nil
    revoke_record(tenant, record.jti, record.sid, subject, at, call.reason, due)
  end
  for _, sid in ipairs(ending) do end_session(tenant, sid, subject, at, call.reason) end
  for _, purpose in ipairs(call.cut_offs) do
    put_cut_off(0, tenant, subject, purpose, epoch, call.keep, call.forget_at)
  end
  pending, more = pending_in(key('pending-of', of_subject), tenant, at, call.limit)
end
return cjson.encode({
  sessions = integer(sessions),
  records = integer(#doomed),
  notify_records = integer(notify_records),
  notify_sessions = integer(notify_sessions),
  pending = pending,
  more = more,
  epoch = integer(epoch),
})
