#!lua
-- A row of `cut_offs`: stored, or the one that is there is raised.
-- include keys
-- include writes

if call.kind == 0 then
  local of_key = key('epoch', id(call.tenant, call.name))
  if call.value > tonumber(redis_call('GET', of_key) or '0') then redis_call('SET', of_key, integer(call.value)) end
end
put_cut_off(call.kind, call.tenant, call.name, call.purpose, call.value, given(call.spared), call.forget_at)
return '{}'
