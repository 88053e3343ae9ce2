#!lua
-- {before, limit}: answers {records, sessions, cut_offs, more}.
-- include keys
-- include writes

local function expired(kind, limit)
  return redis_call('ZRANGEBYSCORE', prefix .. 'expiry:' .. kind, '-inf', '(' .. integer(call.before), 'LIMIT', '0', limit)
end

local limit = integer(call.limit)
local records, sessions, cut_offs = expired('records', limit), expired('sessions', limit), expired('cut-offs', limit)
for _, of_id in ipairs(records) do
  local of = redis_call('HMGET', key('record', of_id), 'tenant', 'jti', 'sid', 'subject')
  local tenant, jti, sid, subject = of[1], of[2], of[3], of[4]
  unindex_pending(tenant, subject, sid, jti)
  unindex_live(tenant, subject, sid, jti)
  redis_call('SREM', key('records-of', id(tenant, sid)), jti)
  redis_call('DEL', key('record', of_id))
  redis_call('ZREM', prefix .. 'expiry:records', of_id)
end
for _, of_id in ipairs(sessions) do
  local of = redis_call('HMGET', key('session', of_id), 'tenant', 'sid', 'subject')
  redis_call('ZREM', key('sessions-of', id(of[1], of[3])), of[2])
  redis_call('DEL', key('session', of_id))
  redis_call('ZREM', prefix .. 'expiry:sessions', of_id)
end
for _, of_id in ipairs(cut_offs) do
  redis_call('DEL', key('cut-off', of_id))
  redis_call('ZREM', prefix .. 'expiry:cut-offs', of_id)
end
local more = #expired('records', '1') + #expired('sessions', '1') + #expired('cut-offs', '1') > 0
return cjson.encode({ records = integer(#records), sessions = integer(#sessions), cut_offs = integer(#cut_offs), more = more })
