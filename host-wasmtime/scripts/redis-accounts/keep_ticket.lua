#!lua
-- Hash, session, sealed token, lifetime in milliseconds, how many a session may have: keeps the ticket until it ends.
-- The session's oldest ones go where it would have too many.
local prefix = KEYS[1]
local hash, sid, sealed, lifetime, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local own = prefix .. 'tickets-of:' .. sid
redis.call('ZREMRANGEBYSCORE', own, '-inf', string.format('%.0f', now))
local over = redis.call('ZCARD', own) - most + 1
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', own, '0', string.format('%.0f', over - 1))) do
    redis.call('DEL', prefix .. 'ticket:' .. old)
    redis.call('ZREM', own, old)
  end
end
redis.call('HSET', prefix .. 'ticket:' .. hash, 'sid', sid, 'sealed', sealed)
redis.call('PEXPIRE', prefix .. 'ticket:' .. hash, ARGV[4])
redis.call('ZADD', own, string.format('%.0f', now + lifetime), hash)
redis.call('PEXPIRE', own, ARGV[4])
return 1
