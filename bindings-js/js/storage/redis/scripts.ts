/** Written by `scripts/embed.mjs` from `host-wasmtime/scripts/redis`: change the files there, and never this one. */

const keys = `-- The layout, and what every script needs. KEYS[1] is the prefix of all keys, ARGV[1] the call as a JSON document.
--
-- Every key begins with the prefix, which carries one hash tag, so that in a cluster all of them are in one slot.
-- In a key, the tenant stands with its length in bytes before it ("0:" when it is absent), so that no two keys become one.
--
--   record:TENANT JTI             hash, the columns of \`records\`; absent ones have no field; \`successors\` is JSON
--   session:TENANT SID            hash, the columns of \`sessions\`
--   epoch:TENANT SUBJECT          the subject's epoch; never deleted
--   cut-off:0:TENANT NAME PURPOSE, cut-off:1:TENANT, cut-off:2:KID
--                                 hash, the columns of \`cut_offs\`; \`spared\` is JSON
--   records-of:TENANT SID         set of jti: every record of the session
--   live-of-session:TENANT SID    zset of jti by expires_at: its live records
--   live-of:TENANT SUBJECT        set of jti: the subject's live records
--   sessions-of:TENANT SUBJECT    zset of sid by -created_at: the subject's live sessions, newest first
--   pending                       zset of TENANT JTI by notify_due: disconnects to deliver
--   pending-of:TENANT SUBJECT, pending-of-session:TENANT SID
--                                 zset of jti by notify_due: the same of one subject, of one session
--   expiry:records, expiry:sessions, expiry:cut-offs
--                                 zset of the rest of the key, by expires_at, ends_at, forget_at
--
-- Numbers are stored as decimal integers of at most 2^53 - 1, which Lua's doubles and scores keep exact. A script can not
-- be undone: each finds out whether it may go on before it writes.
local prefix = KEYS[1]
local call = cjson.decode(ARGV[1])
local redis_call = redis.call

-- A value of the call; nil for null.
local function given(value)
  if value == cjson.null then return nil end
  return value
end

local function integer(number) return string.format('%.0f', number) end

local function part(text) return #text .. ':' .. text end

-- "TENANT name", as in the table above.
local function id(tenant, name) return part(tenant) .. name end

local function key(kind, rest) return prefix .. kind .. ':' .. rest end

local function cut_off_id(kind, tenant, name, purpose)
  if kind == 0 then return '0:' .. part(tenant) .. part(name) .. purpose end
  if kind == 1 then return '1:' .. part(tenant) end
  return '2:' .. name
end

-- A hash as a table; nil when there is none.
local function row(of_key)
  local flat = redis_call('HGETALL', of_key)
  if #flat == 0 then return nil end
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return fields
end

-- A record without its extra data.
local function plain_record(of_id)
  local fields = row(key('record', of_id))
  if fields then fields.extra_data = nil end
  return fields
end

local function epoch_of(tenant, subject)
  return tonumber(redis_call('GET', key('epoch', id(tenant, subject))) or '0')
end

-- Whether a text sorts before another by its bytes; Lua's own comparison depends on the server's locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function set_of(list)
  local set = {}
  for _, entry in ipairs(given(list) or {}) do set[entry] = true end
  return set
end

-- Records whose disconnect is due, out of an index; and whether there are more than the limit.
local function pending_in(index, tenant, at, limit)
  local jtis = redis_call('ZRANGEBYSCORE', index, '-inf', integer(at), 'LIMIT', '0', integer(limit + 1))
  local page = {}
  for i = 1, math.min(#jtis, limit) do page[i] = plain_record(id(tenant, jtis[i])) end
  return page, #jtis > limit
end`;

const writes = `-- Writing rows, with every index that knows them.

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
end`;

/** Each script, and the name by which Redis knows it once it has seen it. */
export const SCRIPTS = {
  consume: {
    sha1: "78565375c4ff97d2ee3f89d1d1e446cda8ecf50c",
    text: `#!lua
-- {tenant, jti, sid, subject, at, request, successors: [{record, session}]}: answers {won: epoch},
-- {record, session, newest} or {failed}.
${keys}
${writes}

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
`,
  },
  delete_expired: {
    sha1: "7ee0d8be009fc22b11df34a850a1922c6fdc70f9",
    text: `#!lua
-- {before, limit}: answers {records, sessions, cut_offs, more}.
${keys}
${writes}

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
`,
  },
  delivered: {
    sha1: "69bdfe02eb5e271f06f20931ef23928c99e5844d",
    text: `#!lua
-- [{tenant, jti}]: marks their disconnects as delivered.
${keys}
${writes}

for _, one in ipairs(call) do
  local of_key = key('record', id(one.tenant, one.jti))
  local of = redis_call('HMGET', of_key, 'subject', 'sid', 'notify_due')
  if of[3] then
    redis_call('HDEL', of_key, 'notify_due')
    unindex_pending(one.tenant, of[1], of[2], one.jti)
  end
end
return '{}'
`,
  },
  find: {
    sha1: "f5c424bd0b12975645efed46cb0365e675bd3b39",
    text: `#!lua flags=no-writes
-- [{tenant, jti, sid, subject, purpose, kid}]: answers [{record, session, epoch, cut_offs}].
${keys}

local function add_cut_off(list, of_id)
  local known = row(key('cut-off', of_id))
  if known then list[#list + 1] = known end
end

local answers = {}
for i, query in ipairs(call) do
  local tenant, jti, sid = query.tenant, given(query.jti), given(query.sid)
  local subject, purpose, kid = given(query.subject), given(query.purpose), given(query.kid)
  local found = { cut_offs = {}, epoch = '0' }
  if jti then found.record = row(key('record', id(tenant, jti))) end
  if sid then found.session = row(key('session', id(tenant, sid))) end
  if subject then
    found.epoch = redis_call('GET', key('epoch', id(tenant, subject))) or '0'
    add_cut_off(found.cut_offs, cut_off_id(0, tenant, subject, ''))
    if purpose then add_cut_off(found.cut_offs, cut_off_id(0, tenant, subject, purpose)) end
  end
  add_cut_off(found.cut_offs, cut_off_id(1, tenant))
  if kid then add_cut_off(found.cut_offs, cut_off_id(2, '', kid)) end
  answers[i] = found
end
return cjson.encode(answers)
`,
  },
  insert: {
    sha1: "f00c63ca2c135a922cb67b162b258e235f5f3c8a",
    text: `#!lua
-- {record, session, open, guard}: answers {epoch} or {failed}.
${keys}
${writes}

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
`,
  },
  list: {
    sha1: "d8263d59cf840055af8f6bbf2b67f40118dcfb46",
    text: `#!lua flags=no-writes
-- {tenant, subject, at, with_record, after_created_at, after_sid, limit}: answers {sessions, more}.
${keys}

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
`,
  },
  raise_cut_off: {
    sha1: "d1506963d8eaf27104507cff8d6d88af1bff71e6",
    text: `#!lua
-- A row of \`cut_offs\`: stored, or the one that is there is raised.
${keys}
${writes}

if call.kind == 0 then
  local of_key = key('epoch', id(call.tenant, call.name))
  if call.value > tonumber(redis_call('GET', of_key) or '0') then redis_call('SET', of_key, integer(call.value)) end
end
put_cut_off(call.kind, call.tenant, call.name, call.purpose, call.value, given(call.spared), call.forget_at)
return '{}'
`,
  },
  revoke: {
    sha1: "da931c9554e1679aa345964614b0875d986c694e",
    text: `#!lua
-- {tenant, jti | sid, subject, at, reason, tombstone, session_tombstone, notify_purposes, due, limit}:
-- answers {outcome, records, pending, more}.
${keys}
${writes}

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
`,
  },
  revoke_matching: {
    sha1: "c0da1414015b94c30a5f3b36bb7db0f01a571c2a",
    text: `#!lua
-- {tenant, subject, include_purposes, exclude_purposes, keep, issued_before, unexpired_after, end_sessions, cut_offs,
-- forget_at, at, reason, notify_purposes, delay_sid, delay_due, limit, dry_run}, where cut_offs has a purpose per
-- cut-off, '' for all of them: answers {sessions, records, notify_records, notify_sessions, pending, more, epoch}.
${keys}
${writes}

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
`,
  },
  touch: {
    sha1: "c38fe87aa8013efb40171ca3c35ba7cf589984c4",
    text: `#!lua
-- [{tenant, sid, at}]: never lowers a time; sessions that are unknown or ended stay as they are.
${keys}

for _, note in ipairs(call) do
  local of_key = key('session', id(note.tenant, note.sid))
  local known = redis_call('HMGET', of_key, 'last_seen', 'ended_at')
  if known[1] and not known[2] and tonumber(known[1]) < note.at then
    redis_call('HSET', of_key, 'last_seen', integer(note.at))
  end
end
return '{}'
`,
  },
  undelivered: {
    sha1: "3388b26f9971e0c639f855114cdff953fda5ece0",
    text: `#!lua
-- {at, lease_until, limit, tenant, subject}: answers the records that were claimed.
${keys}

local only = given(call.subject)
local index = only and key('pending-of', id(call.tenant, only)) or (prefix .. 'pending')
local claimed, offset = {}, 0
while #claimed < call.limit do
  local found = redis_call('ZRANGEBYSCORE', index, '-inf', integer(call.at), 'LIMIT', integer(offset), '100')
  for _, one in ipairs(found) do
    local of_id = only and id(call.tenant, one) or one
    local leased = tonumber(redis_call('HGET', key('record', of_id), 'leased_until') or '0')
    if leased <= call.at and #claimed < call.limit then
      redis_call('HSET', key('record', of_id), 'leased_until', integer(call.lease_until))
      claimed[#claimed + 1] = plain_record(of_id)
    end
  end
  if #found < 100 then break end
  offset = offset + 100
end
return cjson.encode(claimed)
`,
  },
} as const;
