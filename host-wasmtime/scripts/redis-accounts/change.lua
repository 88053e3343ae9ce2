#!lua
-- Subject, version, field, value, time, trigger, acting session: changes the field and writes the intent to sign out.
-- Answers the intent's id; 0 where the account has another version, -1 where the e-mail address is another's.
--
-- A script can not be undone: it finds out whether it may go on before it writes.
local prefix = KEYS[1]
local subject, version, field, value, at, trigger, acting_sid = unpack(ARGV)
local account = prefix .. 'account:' .. subject
local found = redis.call('HMGET', account, 'version', 'email')
if field == 'email' then
  local other = redis.call('GET', prefix .. 'account-of:' .. value)
  if other and other ~= subject then return -1 end
end
if found[1] ~= version then return 0 end
if field == 'email' then
  redis.call('DEL', prefix .. 'account-of:' .. found[2])
  redis.call('SET', prefix .. 'account-of:' .. value, subject)
end
redis.call('HSET', account, field, value, 'changed_at', at)
redis.call('HINCRBY', account, 'version', '1')
local id = redis.call('INCR', prefix .. 'intent-id')
local name = string.format('%.0f', id)
redis.call('HSET', prefix .. 'intent:' .. name, 'subject', subject, 'trigger', trigger,
  'acting_sid', acting_sid, 'changed_at', at)
redis.call('ZADD', prefix .. 'intents', name, name)
return id
