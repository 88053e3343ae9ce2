#!lua
-- {tenant, jti | sid, subject, at, reason, tombstone, session_tombstone, notify_purposes, due, limit}:
-- answers {outcome, records, pending, more}.
-- include keys
-- include writes

local tenant, jti, sid = call.tenant, given(call.jti), given(call.sid)
local wanted, told = given(call.subject), set_of(call.notify_purposes)
local owner, live_session
local live = {}

if jti then
  local known = redis_call('HMGET', key('record', id(tenant, jti)), 'subject', 'status')
  owner = known[1] or nil
  if known[2] == '0' then live[1] = jti end
else
  local known = redis_call('HMGET', key('session', id(tenant, sid)), 'subject', 'ended_at')
  owner = known[1] or nil
  live_session = owner and not known[2]
  if not owner then
    -- Records can outlive their session only by a defect, and must not outlive its revocation; of several owners the
    -- first by name is meant.
    for _, one in ipairs(redis_call('SMEMBERS', key('records-of', id(tenant, sid)))) do
      local subject = redis_call('HGET', key('record', id(tenant, one)), 'subject')
      if subject and (not owner or before(subject, owner)) then owner = subject end
    end
  end
  live = redis_call('ZRANGE', key('live-of-session', id(tenant, sid)), '0', '-1')
end
if owner and wanted and owner ~= wanted then
  return '{"outcome":"not_found","records":"0","pending":[],"more":false}'
end

for _, one in ipairs(live) do
  local of = redis_call('HMGET', key('record', id(tenant, one)), 'sid', 'subject', 'purpose')
  revoke_record(tenant, one, of[1], of[2], call.at, call.reason, told[of[3]] and call.due)
end
if live_session then end_session(tenant, sid, owner, call.at, call.reason) end

local written = false
local tombstone, session_tombstone = given(call.tombstone), given(call.session_tombstone)
if sid and session_tombstone and not session_known(session_tombstone) then
  put_session(session_tombstone)
  written = true
end
if tombstone and not record_known(tombstone) then
  put_record(tombstone, tombstone.epoch)
  written = true
end

local outcome = 'not_found'
if #live > 0 or live_session then
  outcome = 'revoked'
elseif owner then
  outcome = 'already'
elseif written then
  outcome = 'tombstoned'
end

local pending, more = {}, false
if jti then
  local record = plain_record(id(tenant, jti))
  local due = record and tonumber(record.notify_due)
  if due and due <= call.at then
    if call.limit > 0 then pending[1] = record else more = true end
  end
else
  pending, more = pending_in(key('pending-of-session', id(tenant, sid)), tenant, call.at, call.limit)
end
return cjson.encode({ outcome = outcome, records = integer(#live), pending = pending, more = more })
