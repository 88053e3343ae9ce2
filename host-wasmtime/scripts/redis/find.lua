#!lua flags=no-writes
-- [{tenant, jti, sid, subject, purpose, kid}]: answers [{record, session, epoch, cut_offs}].
-- include keys

local function add_cut_off(list, of_id)
  local known = row(key('cut-off', of_id))
  if known then list[#list + 1] = known end
end

local answers = {}
for i, query in ipairs(call) do
  local tenant, jti, sid = query.tenant, given(query.jti), given(query.sid)
  local subject, purpose, kid = given(query.subject), given(query.purpose), given(query.kid)
  local found = { cut_offs = {}, epoch = '0' }
  if jti then found.record = row(key('record', id(tenant, jti))) end
  if sid then found.session = row(key('session', id(tenant, sid))) end
  if subject then
    found.epoch = redis_call('GET', key('epoch', id(tenant, subject))) or '0'
    add_cut_off(found.cut_offs, cut_off_id(0, tenant, subject, ''))
    if purpose then add_cut_off(found.cut_offs, cut_off_id(0, tenant, subject, purpose)) end
  end
  add_cut_off(found.cut_offs, cut_off_id(1, tenant))
  if kid then add_cut_off(found.cut_offs, cut_off_id(2, '', kid)) end
  answers[i] = found
end
return cjson.encode(answers)
