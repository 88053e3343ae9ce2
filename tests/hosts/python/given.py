"""Policies, keys and what storage holds at the beginning of a vector, which is put there through the port itself."""

import copy
import json

EARLIER = 10
DAY = 86_400


def merge(target, patch):
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def document(value, named):
    """The text of a document: a fixture's name, a changed fixture, a document, or any text."""
    if isinstance(value, str):
        return json.dumps(named[value])
    if "base" in value:
        return json.dumps(merge(named[value["base"]], value["patch"]))
    return json.dumps(value["json"]) if "json" in value else value["text"]


def policy(fixtures, value="default"):
    return document(value, fixtures["policies"])


def key_set(fixtures, value="default"):
    keys = fixtures["keys"]

    def set_of(entries):
        return {"keys": [keys[it] if isinstance(it, str) else merge(keys[it["base"]], it["patch"]) for it in entries]}

    if isinstance(value, list):
        return json.dumps(set_of(value))
    return document(value, {name: set_of(entries) for name, entries in fixtures["key_sets"].items()})


def fill(storage, vector, fixtures, now):
    given = vector.get("given", {})
    sessions = given.get("sessions", {})
    entries = given.get("records", [])
    records = [record(entry, vector, fixtures) for entry in entries]
    opened = set()
    for entry, it in zip(entries, records):
        owner = {name: it[name] for name in ("tenant", "sid", "subject")}
        key = (it["tenant"], it["sid"])
        inserted = {"record": it, "session": session(it, owner, sessions.get(it["sid"], {})), "open": key not in opened, "guard": None}
        opened.add(key)
        storage.insert(copy.deepcopy(inserted))
        status = entry.get("status", "live")
        if status == "revoked":
            revoke(storage, it, {"token": it["jti"]}, entry.get("pending", False), now)
        elif status == "consumed":
            storage.consume({**owner, "jti": it["jti"], "at": now - EARLIER, "request": None, "successors": []})
    for sid, different in sessions.items():
        if different.get("ended"):
            revoke(storage, next(it for it in records if it["sid"] == sid), {"session": sid}, False, now)
    for entry in given.get("cut_offs", []):
        [(kind, fields)] = entry.items()
        usual = {"subject": {"tenant": None, "purpose": None, "spared": []}, "tenant": {"tenant": None}, "key": {}}[kind]
        storage.raise_cut_off({kind: {**usual, **fields, "forget_at": now + DAY}})


def revoke(storage, it, target, pending, now):
    at = now - EARLIER
    storage.revoke({
        "tenant": it["tenant"], "target": target, "subject": None, "at": at, "reason": "before", "tombstone": None,
        "session_tombstone": None, "notify_purposes": [it["purpose"]] if pending else [], "due": at, "limit": 100,
    })


def record(entry, vector, fixtures):
    spec = vector["tokens"][entry["of"]] if "of" in entry else {}
    claims = {name: value for name, value in fixtures["claims"].items() if name not in spec.get("without", [])}
    claims.update(spec.get("claims", {}))
    fields = {"tenant": None, "act": None, "kid": fixtures["keys"][spec.get("key", fixtures["key"])]["kid"]}
    extra = {}
    renamed = {"sub": "subject", "iat": "issued_at", "exp": "expires_at"}
    for name, value in claims.items():
        if name in ("tenant", "jti", "sid", "purpose", "act"):
            fields[name] = value
        elif name in renamed:
            fields[renamed[name]] = value
        elif name not in ("iss", "aud", "nbf", "epoch"):
            extra[name] = value
    fields["extra_data"] = extra or None
    fields.update(entry.get("with", {}))
    if fields["extra_data"] is not None:
        fields["extra_data"] = json.dumps(fields["extra_data"])
    return {**fields, "epoch": 0, "created_at": fields["issued_at"], "status": "live", "successors": [], "notify": "nothing"}


def session(it, owner, different):
    created_at = different.get("created_at", it["issued_at"])
    return {
        **owner, "device": different.get("device"), "created_at": created_at, "last_seen": created_at,
        "ends_at": it["expires_at"], "status": "live",
    }
