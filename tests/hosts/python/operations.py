"""A step's arguments -> the operation's request, and its answer -> what vectors say of answers."""

import json

IDENTITY = ("tenant", "jti", "sid", "subject", "purpose", "kid", "issued_at", "expires_at", "epoch")


def texts(arguments, *names):
    """Objects that WIT takes as texts."""
    return {**arguments, **{name: json.dumps(arguments[name]) for name in names if arguments.get(name) is not None}}


def revocation(arguments):
    arguments = dict(arguments)
    subject = arguments.pop("subject", None)
    [kind] = [name for name in ("token", "jti", "sid") if name in arguments]
    named = arguments.pop(kind)
    target = {"sid": {"sid": named, "subject": subject}} if kind == "sid" else {kind: named}
    return {"scope": "session", **arguments, "target": target}


def selection(arguments):
    [(kind, fields)] = arguments["scope"].items()
    scope = {"subject": fields} if kind == "subject" else {kind: fields.get("tenant" if kind == "tenant" else "kid")}
    return {"keep": [], "disconnect_self": True, **arguments, "scope": scope}


def sockets(arguments):
    def socket(it):
        fields = {**it["identity"], **it.get("with", {})}
        return {**{name: fields.get(name) for name in IDENTITY}, "verified_at": it["verified_at"]}

    return [socket(it) for it in arguments["sockets"]]


REQUESTS = {
    "issue": lambda arguments: texts(arguments, "host_claims", "claims"),
    "revoke": revocation,
    "sign_out_everywhere": selection,
    "preview": selection,
    "credentials_changed": lambda arguments: {"disconnect_self": True, **arguments},
    "sweep": sockets,
    "expunge": lambda arguments: arguments["limit"],
}


def run(authenticator, operation, arguments):
    if operation == "redeliver":
        return authenticator.call(operation)
    answer = authenticator.call(operation, REQUESTS.get(operation, dict)(arguments))
    if operation in ("authenticate", "admit"):
        return identity(answer)
    if operation == "issue":
        return {"token": answer["token"], "identity": identity(answer["identity"])}
    if operation == "sweep":
        return {**answer, "error": None if answer["error"] is None else answer["error"]["code"]}
    return answer


def identity(answer):
    return {**answer, "claims": json.loads(answer["claims"])}
