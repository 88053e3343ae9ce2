#!lua
-- {tenant, jti, sid, subject, at, request, successors: [{record, session}]}: answers {won: epoch},
-- {record, session, newest} or {failed}.
-- include keys
-- include writes

local tenant, jti, sid, subject = call.tenant, call.jti, call.sid, call.subject
local used = row(key('record', id(tenant, jti)))
local session = row(key('session', id(tenant, sid)))

local wins = used and used.status == '0' and used.sid == sid and used.subject == subject
  and session and not session.ended_at and session.subject == subject
if wins then
  local new, jtis = {}, {}
  for i, successor in ipairs(call.successors) do
    local record = successor.record
    if new[record.jti] or record_known(record) then return '{"failed":"conflict"}' end
    new[record.jti] = true
    jtis[i] = record.jti
  end
  local epoch = epoch_of(tenant, subject)
  local of_key = key('record', id(tenant, jti))
  redis_call('HSET', of_key, 'status', '2', 'status_at', integer(call.at))
  if given(call.request) then redis_call('HSET', of_key, 'status_text', call.request) end
  if #jtis > 0 then redis_call('HSET', of_key, 'successors', cjson.encode(jtis)) end
  unindex_live(tenant, subject, sid, jti)
  for _, successor in ipairs(call.successors) do
    join_session(successor.session)
    put_record(successor.record, epoch)
  end
  return cjson.encode({ won = integer(epoch) })
end

-- The newest live record of each purpose among the successors, and theirs.
local function newer(a, b)
  local a_issued, b_issued = tonumber(a.issued_at), tonumber(b.issued_at)
  if a_issued ~= b_issued then return a_issued > b_issued end
  local a_created, b_created = tonumber(a.created_at), tonumber(b.created_at)
  if a_created ~= b_created then return a_created > b_created end
  return before(b.jti, a.jti)
end

local best, seen = {}, {}
local next_jtis = used and used.successors and cjson.decode(used.successors) or {}
while #next_jtis > 0 do
  local one = table.remove(next_jtis)
  if not seen[one] then
    seen[one] = true
    local successor = row(key('record', id(tenant, one)))
    if successor then
      for _, after in ipairs(successor.successors and cjson.decode(successor.successors) or {}) do
        next_jtis[#next_jtis + 1] = after
      end
      local known = best[successor.purpose]
      if successor.status == '0' and (not known or newer(successor, known)) then best[successor.purpose] = successor end
    end
  end
end
local newest = {}
for _, record in pairs(best) do newest[#newest + 1] = record end
table.sort(newest, function(a, b) return before(a.purpose, b.purpose) end)
return cjson.encode({ record = used, session = session, newest = newest })
