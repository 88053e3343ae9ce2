#!lua
-- Subject, e-mail address, password hash, version, time: answers 1, or 0 where the address has an account.
--
-- All keys begin with KEYS[1], which has the hash tag of the tokens' keys, so that in a cluster all are in one slot:
--
--   account:SUBJECT     hash: email, password_hash, version, created_at, changed_at
--   account-of:EMAIL    the subject of the account with this address
--   intents             zset of ids by id: sign-outs that a change of credentials owes
--   intent:ID           hash: subject, trigger, acting_sid, changed_at
--   intent-id           the last id
--   ticket:HASH         hash: sid, sealed; gone when it expires
--   tickets-of:SID      zset of hashes by their end in milliseconds; gone with the last one
local prefix = KEYS[1]
local subject, email, password_hash, version, at = unpack(ARGV)
if not redis.call('SET', prefix .. 'account-of:' .. email, subject, 'NX') then return 0 end
redis.call('HSET', prefix .. 'account:' .. subject, 'email', email, 'password_hash', password_hash,
  'version', version, 'created_at', at, 'changed_at', at)
return 1
