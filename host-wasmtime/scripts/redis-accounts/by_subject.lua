#!lua flags=no-writes
-- Subject: answers subject, e-mail address, password hash and version of the account, or nothing.
local fields = redis.call('HMGET', KEYS[1] .. 'account:' .. ARGV[1], 'email', 'password_hash', 'version')
if not fields[1] then return {} end
return { ARGV[1], fields[1], fields[2], fields[3] }
