#!lua
-- [{tenant, jti}]: marks their disconnects as delivered.
-- include keys
-- include writes

for _, one in ipairs(call) do
  local of_key = key('record', id(one.tenant, one.jti))
  local of = redis_call('HMGET', of_key, 'subject', 'sid', 'notify_due')
  if of[3] then
    redis_call('HDEL', of_key, 'notify_due')
    unindex_pending(one.tenant, of[1], of[2], one.jti)
  end
end
return '{}'
