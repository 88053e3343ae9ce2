#!lua flags=no-writes
-- E-mail address: answers subject, address, password hash and version of its account, or nothing.
local prefix = KEYS[1]
local subject = redis.call('GET', prefix .. 'account-of:' .. ARGV[1])
if not subject then return {} end
local fields = redis.call('HMGET', prefix .. 'account:' .. subject, 'email', 'password_hash', 'version')
if not fields[1] then return {} end
return { subject, fields[1], fields[2], fields[3] }
