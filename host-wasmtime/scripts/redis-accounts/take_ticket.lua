#!lua
-- Hash: answers the sealed token of the ticket, once.
local prefix = KEYS[1]
local ticket = prefix .. 'ticket:' .. ARGV[1]
local found = redis.call('HMGET', ticket, 'sid', 'sealed')
if not found[1] then return false end
redis.call('DEL', ticket)
redis.call('ZREM', prefix .. 'tickets-of:' .. found[1], ARGV[1])
return found[2]
