-- Writing rows, with every index that knows them.

local RECORD_TEXTS = { 'tenant', 'jti', 'sid', 'subject', 'purpose', 'act', 'kid', 'extra_data', 'status_text' }
local RECORD_NUMBERS = { 'issued_at', 'expires_at', 'created_at', 'status', 'status_at', 'notify_due' }
local SESSION_TEXTS = { 'tenant', 'sid', 'subject', 'device', 'ended_reason' }
local SESSION_NUMBERS = { 'created_at', 'last_seen', 'ends_at', 'ended_at' }

local function fields_of(entry, texts, numbers)
  local flat = {}
  for _, name in ipairs(texts) do
    local value = given(entry[name])
    if value then
      flat[#flat + 1] = name
      flat[#flat + 1] = value
    end
  end
  for _, name in ipairs(numbers) do
    local value = given(entry[name])
    if value then
      flat[#flat + 1] = name
      flat[#flat + 1] = integer(value)
    end
  end
  return flat
end

local function record_known(entry) return redis_call('EXISTS', key('record', id(entry.tenant, entry.jti))) == 1 end

local function session_known(entry) return redis_call('EXISTS', key('session', id(entry.tenant, entry.sid))) == 1 end

-- Disconnects of a record are due from then on.
local function index_pending(tenant, subject, sid, jti, due)
  redis_call('ZADD', prefix .. 'pending', due, id(tenant, jti))
  redis_call('ZADD', key('pending-of', id(tenant, subject)), due, jti)
  redis_call('ZADD', key('pending-of-session', id(tenant, sid)), due, jti)
end

local function unindex_pending(tenant, subject, sid, jti)
  redis_call('ZREM', prefix .. 'pending', id(tenant, jti))
  redis_call('ZREM', key('pending-of', id(tenant, subject)), jti)
  redis_call('ZREM', key('pending-of-session', id(tenant, sid)), jti)
end

local function unindex_live(tenant, subject, sid, jti)
  redis_call('ZREM', key('live-of-session', id(tenant, sid)), jti)
  redis_call('SREM', key('live-of', id(tenant, subject)), jti)
end

-- Stores a record that is not known, as it stands but for its epoch.
local function put_record(entry, epoch)
  local of_id = id(entry.tenant, entry.jti)
  local flat = fields_of(entry, RECORD_TEXTS, RECORD_NUMBERS)
  if given(entry.successors) then
    flat[#flat + 1] = 'successors'
    flat[#flat + 1] = cjson.encode(entry.successors)
  end
  redis_call('HSET', key('record', of_id), 'epoch', integer(epoch), unpack(flat))
  redis_call('ZADD', prefix .. 'expiry:records', integer(entry.expires_at), of_id)
  local of_session = id(entry.tenant, entry.sid)
  -- The tombstone of a token that was never known belongs to no session.
  if entry.sid ~= '' then redis_call('SADD', key('records-of', of_session), entry.jti) end
  if entry.status == 0 then
    redis_call('ZADD', key('live-of-session', of_session), integer(entry.expires_at), entry.jti)
    redis_call('SADD', key('live-of', id(entry.tenant, entry.subject)), entry.jti)
  end
  local due = given(entry.notify_due)
  if due then index_pending(entry.tenant, entry.subject, entry.sid, entry.jti, integer(due)) end
end

-- Stores a session that is not known, as it stands.
local function put_session(entry)
  local of_id = id(entry.tenant, entry.sid)
  redis_call('HSET', key('session', of_id), unpack(fields_of(entry, SESSION_TEXTS, SESSION_NUMBERS)))
  redis_call('ZADD', prefix .. 'expiry:sessions', integer(entry.ends_at), of_id)
  if not given(entry.ended_at) then
    redis_call('ZADD', key('sessions-of', id(entry.tenant, entry.subject)), integer(-entry.created_at), entry.sid)
  end
end

-- Whether a session is there, goes on, and is the subject's.
local function joinable(tenant, sid, subject)
  local known = redis_call('HMGET', key('session', id(tenant, sid)), 'subject', 'ended_at')
  return known[1] == subject and not known[2]
end

-- Extends a session that can be joined; neither time is ever lowered.
local function join_session(entry)
  local of_id = id(entry.tenant, entry.sid)
  local of_key = key('session', of_id)
  local known = redis_call('HMGET', of_key, 'last_seen', 'ends_at')
  local ends_at = math.max(tonumber(known[2]), entry.ends_at)
  redis_call('HSET', of_key, 'last_seen', integer(math.max(tonumber(known[1]), entry.last_seen)), 'ends_at', integer(ends_at))
  redis_call('ZADD', prefix .. 'expiry:sessions', integer(ends_at), of_id)
end

-- Revokes a live record; its disconnect is due then, if at all.
local function revoke_record(tenant, jti, sid, subject, at, reason, due)
  local of_key = key('record', id(tenant, jti))
  redis_call('HSET', of_key, 'status', '1', 'status_at', integer(at), 'status_text', reason)
  unindex_live(tenant, subject, sid, jti)
  if due then
    redis_call('HSET', of_key, 'notify_due', integer(due))
    index_pending(tenant, subject, sid, jti, integer(due))
  end
end

-- Ends a live session.
local function end_session(tenant, sid, subject, at, reason)
  redis_call('HSET', key('session', id(tenant, sid)), 'ended_at', integer(at), 'ended_reason', reason)
  redis_call('ZREM', key('sessions-of', id(tenant, subject)), sid)
end

-- Stores a cut-off or raises the one that is there.
local function put_cut_off(kind, tenant, name, purpose, value, spared, forget_at)
  local of_id = cut_off_id(kind, tenant, name, purpose)
  local of_key = key('cut-off', of_id)
  local known = redis_call('HMGET', of_key, 'value', 'forget_at')
  if not known[1] or value > tonumber(known[1]) then
    redis_call('HSET', of_key, 'kind', integer(kind), 'tenant', tenant, 'name', name, 'purpose', purpose, 'value', integer(value))
    if spared and #spared > 0 then
      redis_call('HSET', of_key, 'spared', cjson.encode(spared))
    else
      redis_call('HDEL', of_key, 'spared')
    end
  end
  forget_at = math.max(forget_at, tonumber(known[2] or '0'))
  redis_call('HSET', of_key, 'forget_at', integer(forget_at))
  redis_call('ZADD', prefix .. 'expiry:cut-offs', integer(forget_at), of_id)
end
