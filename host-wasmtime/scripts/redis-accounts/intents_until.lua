#!lua flags=no-writes
-- Time, id, limit: answers intents that were committed until then and come after the id, in the order of their ids:
-- id, subject, trigger, acting session and time of each. Empty only when there are no more.
local prefix = KEYS[1]
local at, after, limit = tonumber(ARGV[1]), ARGV[2], ARGV[3]
while true do
  local ids = redis.call('ZRANGEBYSCORE', prefix .. 'intents', '(' .. after, '+inf', 'LIMIT', '0', limit)
  if #ids == 0 then return {} end
  local page = {}
  for _, id in ipairs(ids) do
    local intent = redis.call('HMGET', prefix .. 'intent:' .. id, 'subject', 'trigger', 'acting_sid', 'changed_at')
    if intent[4] and tonumber(intent[4]) <= at then
      page[#page + 1] = { id, intent[1], intent[2], intent[3], intent[4] }
    end
  end
  if #page > 0 then return page end
  after = ids[#ids]
end
