#!lua
-- Id: removes the intent.
local prefix = KEYS[1]
redis.call('ZREM', prefix .. 'intents', ARGV[1])
redis.call('DEL', prefix .. 'intent:' .. ARGV[1])
return 1
