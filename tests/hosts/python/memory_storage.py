"""Storage in the memory of this process, for the vectors: records, sessions and cut-offs as dicts with the names of WIT.

It keeps the promises of `wit/storage.wit` in the plainest way and looks through everything at every call: no storage for a service.
"""

import copy

from component import StorageError


def is_live(row):
    return row is not None and row["status"] == "live"


def joinable(session, subject):
    return is_live(session) and session["subject"] == subject


def without_extra_data(record):
    return {**copy.deepcopy(record), "extra_data": None}


class MemoryStorage:
    def __init__(self):
        self.records = {}
        self.sessions = {}
        self.epochs = {}
        self.cut_offs = {}
        self.leases = {}

    # Look-ups

    def find(self, query):
        tenant, subject, purpose, kid = query["tenant"], query["subject"], query["purpose"], query["kid"]
        keys = [] if subject is None else [("subject", tenant, subject, None)]
        if subject is not None and purpose is not None:
            keys.append(("subject", tenant, subject, purpose))
        keys.append(("tenant", tenant))
        if kid is not None:
            keys.append(("key", kid))
        return copy.deepcopy({
            "record": self.records.get((tenant, query["jti"])),
            "session": self.sessions.get((tenant, query["sid"])),
            "cut_offs": [self.cut_offs[key] for key in keys if key in self.cut_offs],
            "epoch": self.epochs.get((tenant, subject), 0),
        })

    def find_many(self, queries):
        return [self.find(query) for query in queries]

    def list(self, query):
        def listed(session):
            if (session["tenant"], session["subject"]) != (query["tenant"], query["subject"]):
                return False
            if not is_live(session) or session["ends_at"] <= query["at"]:
                return False
            records = self.of_session(session["tenant"], session["sid"])
            return not query["with_record"] or any(is_live(it) and it["expires_at"] > query["at"] for it in records)

        def place(session):
            return (-session["created_at"], session["sid"].encode())

        sessions = sorted(filter(listed, self.sessions.values()), key=place)
        if query["after"] is not None:
            sessions = [it for it in sessions if place(it) > place(query["after"])]
        return {"sessions": copy.deepcopy(sessions[: query["limit"]]), "more": len(sessions) > query["limit"]}

    def of_session(self, tenant, sid):
        # A tombstone of a token that was never known has no session.
        found = [it for it in self.records.values() if sid != "" and (it["tenant"], it["sid"]) == (tenant, sid)]
        return sorted(found, key=lambda it: it["jti"].encode())

    # Writing

    def insert(self, insertion):
        record, session = insertion["record"], insertion["session"]
        if any(record[name] != session[name] for name in ("tenant", "sid", "subject")):
            raise StorageError("other", "a record and its session must have the same tenant, sid and subject")
        epoch = self.epochs.get((record["tenant"], record["subject"]), 0)
        if insertion["guard"] is not None and epoch > insertion["guard"]:
            raise StorageError("guard_failed", guard="epoch")
        known = self.sessions.get((session["tenant"], session["sid"]))
        if insertion["open"] and known is not None:
            raise StorageError("conflict")
        if not insertion["open"] and not joinable(known, record["subject"]):
            raise StorageError("guard_failed", guard="session")
        if (record["tenant"], record["jti"]) in self.records:
            raise StorageError("conflict")
        if insertion["open"]:
            self.add_session(session)
        else:
            self.join(session)
        self.add_record({**record, "epoch": epoch})
        return epoch

    def add_record(self, record):
        key = (record["tenant"], record["jti"])
        if key in self.records:
            return False
        self.records[key] = copy.deepcopy(record)
        return True

    def add_session(self, session):
        key = (session["tenant"], session["sid"])
        if key in self.sessions:
            return False
        self.sessions[key] = copy.deepcopy(session)
        return True

    def join(self, joining):
        known = self.sessions.get((joining["tenant"], joining["sid"]))
        for name in ("last_seen", "ends_at") if known else ():
            known[name] = max(known[name], joining[name])

    def touch(self, touch):
        session = self.sessions.get((touch["tenant"], touch["sid"]))
        if is_live(session):
            session["last_seen"] = max(session["last_seen"], touch["at"])

    def consume(self, consumption):
        tenant, sid, subject = (consumption[name] for name in ("tenant", "sid", "subject"))
        record = self.records.get((tenant, consumption["jti"]))
        session = self.sessions.get((tenant, sid))
        wins = is_live(record) and (record["sid"], record["subject"]) == (sid, subject) and joinable(session, subject)
        if not wins:
            newest = [] if record is None else self.newest_successors(record)
            return {"lost": copy.deepcopy({"record": record, "session": session, "newest": newest})}
        new = set()
        for successor in consumption["successors"]:
            successor = successor["record"]
            if any(successor[name] != consumption[name] for name in ("tenant", "sid", "subject")):
                raise StorageError("other", "a successor must have its predecessor's tenant, sid and subject")
            if successor["jti"] in new or (tenant, successor["jti"]) in self.records:
                raise StorageError("conflict")
            new.add(successor["jti"])
        epoch = self.epochs.get((tenant, subject), 0)
        record["status"] = {"consumed": {"at": consumption["at"], "request": consumption["request"]}}
        record["successors"] = [it["record"]["jti"] for it in consumption["successors"]]
        for successor in consumption["successors"]:
            self.join({**successor["session"], "tenant": tenant, "sid": sid})
            self.add_record({**successor["record"], "epoch": epoch})
        return {"won": epoch}

    def newest_successors(self, record):
        newest, seen, following = {}, set(), list(record["successors"])
        while following:
            jti = following.pop()
            successor = self.records.get((record["tenant"], jti))
            if successor is None or jti in seen:
                continue
            seen.add(jti)
            following.extend(successor["successors"])
            known = newest.get(successor["purpose"])
            if is_live(successor) and (known is None or age(known) < age(successor)):
                newest[successor["purpose"]] = successor
        return [record for _, record in sorted(newest.items())]

    # Revoking

    def revoke(self, revocation):
        [(kind, name)] = revocation["target"].items()
        tenant, owner = revocation["tenant"], revocation["subject"]
        session = self.sessions.get((tenant, name)) if kind == "session" else None
        known = self.of_target(kind, tenant, name)
        subject = session["subject"] if session else known[0]["subject"] if known else None
        if owner is not None and subject is not None and owner != subject:
            return {"outcome": "not_found", "records": 0, "pending": [], "more": False}
        live = [record for record in known if is_live(record)]
        for record in live:
            notified = record["purpose"] in revocation["notify_purposes"]
            revoke(record, revocation, revocation["due"] if notified else None)
        revoked = bool(live)
        if is_live(session):
            session["status"] = ended(revocation)
            revoked = True
        written = False
        if kind == "session" and revocation["session_tombstone"] is not None:
            written |= self.add_session(revocation["session_tombstone"])
        if revocation["tombstone"] is not None:
            written |= self.add_record(revocation["tombstone"])
        outcome = "revoked" if revoked else "already" if subject is not None else "tombstoned" if written else "not_found"
        pending = self.due(self.of_target(kind, tenant, name), revocation["at"])
        return {"outcome": outcome, "records": len(live), **page(pending, revocation["limit"])}

    def of_target(self, kind, tenant, name):
        if kind == "session":
            return self.of_session(tenant, name)
        return [self.records[tenant, name]] if (tenant, name) in self.records else []

    def revoke_matching(self, revocation):
        def mine(row):
            return (row["tenant"], row["subject"]) == (revocation["tenant"], revocation["subject"])

        def before(moment):
            return revocation["issued_before"] is None or moment < revocation["issued_before"]

        def selected(record):
            included = revocation["include_purposes"] is None or record["purpose"] in revocation["include_purposes"]
            kept = record["purpose"] in revocation["exclude_purposes"] or record["sid"] in revocation["keep"]
            return included and not kept and before(record["issued_at"])

        live = [it for it in self.sessions.values() if mine(it) and is_live(it)] if revocation["end_sessions"] else []
        ending = [it for it in live if it["sid"] not in revocation["keep"] and before(it["created_at"])]
        sids = {it["sid"] for it in ending}
        records = [
            it for it in self.records.values()
            if mine(it) and is_live(it) and it["expires_at"] > revocation["unexpired_after"] and (it["sid"] in sids or selected(it))
        ]
        notified = [it for it in records if it["purpose"] in revocation["notify_purposes"]]
        later = revocation["delay"] and revocation["delay"]["sid"]
        told_now = [it for it in notified if it["sid"] != later]
        unexpired = {it["sid"] for it in ending if it["ends_at"] > revocation["unexpired_after"]}
        subject = (revocation["tenant"], revocation["subject"])
        answer = {
            "sessions": len(unexpired | {it["sid"] for it in records}),
            "records": len(records),
            "notify_records": len(told_now),
            "notify_sessions": len({it["sid"] for it in told_now}),
            "pending": [],
            "more": False,
            "epoch": self.epochs.get(subject, 0),
        }
        if revocation["dry_run"]:
            return answer
        self.epochs[subject] = answer["epoch"] = answer["epoch"] + 1
        delay = revocation["delay"] or {"sid": None, "due": None}
        for record in records:
            due = delay["due"] if record["sid"] == delay["sid"] else revocation["at"]
            revoke(record, revocation, due if record in notified else None)
        for session in ending:
            session["status"] = ended(revocation)
        scope = revocation["cut_offs"]
        purposes = [] if scope == "nothing" else [None] if scope == "subject" else scope["purposes"]
        for purpose in purposes:
            common = {name: revocation[name] for name in ("tenant", "subject", "forget_at")}
            self.raise_cut_off({"subject": {**common, "purpose": purpose, "below": answer["epoch"], "spared": revocation["keep"]}})
        pending = self.due(filter(mine, self.records.values()), revocation["at"])
        return {**answer, **page(pending, revocation["limit"])}

    def raise_cut_off(self, cut_off):
        [(kind, new)] = copy.deepcopy(cut_off).items()
        key = (kind, *(new[name] for name in {"subject": ("tenant", "subject", "purpose"), "tenant": ("tenant",), "key": ("kid",)}[kind]))
        known = self.cut_offs.setdefault(key, {kind: new})[kind]
        known["forget_at"] = max(known["forget_at"], new["forget_at"])
        if kind != "subject":
            known["at"] = max(known["at"], new["at"])
            return
        subject = (new["tenant"], new["subject"])
        self.epochs[subject] = max(self.epochs.get(subject, 0), new["below"])
        if new["below"] > known["below"]:
            known.update(below=new["below"], spared=new["spared"])

    # Disconnects, and what expired

    def due(self, records, at):
        found = [it for it in records if it["notify"] != "nothing" and it["notify"]["pending"] <= at]
        return sorted(found, key=lambda it: (it["notify"]["pending"], it["tenant"] is not None, it["tenant"] or "", it["jti"].encode()))

    def undelivered(self, claim):
        def free(record):
            only = claim["only"]
            mine = only is None or (record["tenant"], record["subject"]) == (only["tenant"], only["subject"])
            return mine and self.leases.get((record["tenant"], record["jti"]), 0) <= claim["at"]

        claimed = self.due(filter(free, self.records.values()), claim["at"])[: claim["limit"]]
        for record in claimed:
            self.leases[record["tenant"], record["jti"]] = claim["lease_until"]
        return [without_extra_data(record) for record in claimed]

    def delivered(self, records):
        for key in records:
            record = self.records.get((key["tenant"], key["jti"]))
            if record is not None:
                record["notify"] = "nothing"

    def delete_expired(self, batch):
        answer = {"more": False}
        for name, rows, end in (
            ("records", self.records, lambda it: it["expires_at"]),
            ("sessions", self.sessions, lambda it: it["ends_at"]),
            ("cut_offs", self.cut_offs, lambda it: next(iter(it.values()))["forget_at"]),
        ):
            over = sorted((key for key, row in rows.items() if end(row) < batch["before"]), key=lambda key: end(rows[key]))
            for key in over[: batch["limit"]]:
                del rows[key]
            answer[name] = min(len(over), batch["limit"])
            answer["more"] |= len(over) > batch["limit"]
        return answer


def age(record):
    return (record["issued_at"], record["created_at"], record["jti"].encode())


def revoke(record, revocation, due):
    record["status"] = {"revoked": {"at": revocation["at"], "reason": revocation["reason"]}}
    record["notify"] = "nothing" if due is None else {"pending": due}


def ended(revocation):
    return {"ended": {"at": revocation["at"], "reason": revocation["reason"]}}


def page(records, limit):
    return {"pending": [without_extra_data(record) for record in records[:limit]], "more": len(records) > limit}
