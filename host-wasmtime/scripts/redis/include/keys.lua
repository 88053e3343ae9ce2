-- The layout, and what every script needs. KEYS[1] is the prefix of all keys, ARGV[1] the call as a JSON document.
--
-- Every key begins with the prefix, which carries one hash tag, so that in a cluster all of them are in one slot.
-- In a key, the tenant stands with its length in bytes before it ("0:" when it is absent), so that no two keys become one.
--
--   record:TENANT JTI             hash, the columns of `records`; absent ones have no field; `successors` is JSON
--   session:TENANT SID            hash, the columns of `sessions`
--   epoch:TENANT SUBJECT          the subject's epoch; never deleted
--   cut-off:0:TENANT NAME PURPOSE, cut-off:1:TENANT, cut-off:2:KID
--                                 hash, the columns of `cut_offs`; `spared` is JSON
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
end
