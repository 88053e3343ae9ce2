#!lua
-- {at, lease_until, limit, tenant, subject}: answers the records that were claimed.
-- include keys

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
