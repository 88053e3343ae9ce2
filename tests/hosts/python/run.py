"""Every vector on the component in wasmtime, from Python: `python run.py [component]`."""

import base64
import json
import sys
import time
from pathlib import Path

import given
from component import Kernel, Refusal
from matching import mismatch, resolve
from operations import run
from ports import Host

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "tests" / "vectors"
#: What this build of the component has beyond the usual.
FEATURES = ("es256",)
#: Shorter parts occur by chance, or are no secret.
SHORTEST = 16


class Secrets:
    """What must never leave: tokens and the private parts of keys."""

    def __init__(self, fixtures):
        self.texts = []
        for key in fixtures["keys"].values():
            self.add(key.get("k", ""))
            self.add(key.get("d", ""))

    def add_token(self, token):
        # One that only repeats a text has no secret in it.
        for segment in token.split(".")[1:3]:
            if len(segment) < 10_000:
                self.add(segment)

    def add(self, text):
        if len(text) >= SHORTEST:
            self.texts.append(text)

    def check(self, what, text):
        leaked = any(secret in text for secret in self.texts)
        assert not leaked, f"{what} contains a token or a key: {text}"


def check(kernel, vector, fixtures):
    now = vector.get("now", fixtures["now"])
    host = Host(now, vector["id"])
    secrets = Secrets(fixtures)
    names = {}
    for name, spec in vector.get("tokens", {}).items():
        token = spec["token"] if "token" in spec else spec["repeat"]["text"] * spec["repeat"]["times"]
        secrets.add_token(token)
        names[name] = token
    refused = vector.get("refused")
    try:
        authenticator = build(kernel, host, vector, fixtures)
    except Refusal as refusal:
        assert refused is not None, f"policy and keys were refused: {refusal}"
        compare_refusal(refusal, refused, secrets)
        return
    assert refused is None, f"policy and keys should be refused: {refused}"
    given.fill(host.inner, vector, fixtures, now)
    assert vector["steps"], "the vector calls nothing"
    for index, step in enumerate(vector["steps"]):
        host.time = step.get("at", host.time)
        try:
            if step["do"] == "configure":
                authenticator.close()
                authenticator = build(kernel, host, step.get("with", {}), fixtures)
            else:
                run_step(authenticator, host, step, names, secrets)
        except (AssertionError, Refusal) as wrong:
            raise AssertionError(f"step {index + 1} ({step['do']}): {wrong}") from wrong
    authenticator.close()


def build(kernel, host, documents, fixtures):
    policy = given.policy(fixtures, documents.get("policy", "default"))
    keys = given.key_set(fixtures, documents.get("keys", "default"))
    return kernel.create(host, policy, keys)


def run_step(authenticator, host, step, names, secrets):
    expect = step["expect"]
    assert ("ok" in expect) != ("error" in expect), "expect says neither or both of ok and error"
    arguments = resolve(step.get("with", {}), names)
    host.log.take()
    host.log.faults = step.get("faults", [])
    refusal = answer = None
    try:
        answer = run(authenticator, step["do"], arguments)
    except Refusal as refused:
        refusal = refused
    host.log.faults = []
    calls, messages = host.log.take()
    for name, shown in calls:
        secrets.check(name, json.dumps(shown))
    if refusal is not None:
        assert "error" in expect, f"refused: {refusal}"
        compare_refusal(refusal, expect, secrets)
    else:
        if isinstance(answer, dict) and "token" in answer:
            secrets.add_token(answer["token"])
        if "as" in step:
            names[step["as"]] = answer
        assert "ok" in expect, f"should be refused: {expect.get('error')}, found {answer}"
        complain(mismatch("answer", resolve(expect["ok"], names), answer))
    for index, part in enumerate(("header", "claims")):
        if part in expect.get("minted", {}):
            segment = answer["token"].split(".")[index]
            decoded = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
            complain(mismatch("minted", resolve(expect["minted"][part], names), decoded))
    compare_calls(expect["calls"], calls, names)
    compare_messages(expect.get("messages", []), messages, names)


def complain(wrong):
    assert wrong is None, wrong


def compare_refusal(refusal, expected, secrets):
    secrets.check("the refusal", str(refusal))
    assert refusal.code == expected["error"], f"expected {expected['error']}, found {refusal}"
    for part in expected.get("message", []):
        assert part in refusal.message, f"the message should contain {part!r}, found {refusal.message!r}"


def compare_calls(expected, calls, names):
    wanted = [call if isinstance(call, str) else call["call"] for call in expected]
    found = [name for name, _ in calls]
    assert wanted == found, f"calls: expected {wanted}, found {found}"
    for call, (name, shown) in zip(expected, calls):
        if not isinstance(call, str):
            complain(mismatch(name, resolve(call["with"], names), shown))


def compare_messages(expected, messages, names):
    """All messages, in any order; a disconnect's event and payload need not be written down."""
    left = list(messages)
    for message in expected:
        whole = resolve(message, names)
        if whole["kind"] == "disconnect":
            whole = {"event": "disconnect", "payload": {}, **whole}
        assert whole in left, f"messages: expected {whole}, found {left}"
        left.remove(whole)
    assert not left, f"messages: not expected: {left}"


def main():
    component = sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "wasm" / "authkernel.component.wasm"
    started = time.monotonic()
    kernel = Kernel(component)
    fixtures = json.loads((VECTORS / "fixtures.json").read_text())
    passed = failed = 0
    left_out = {}
    for path in sorted(VECTORS.glob("*.json")):
        if path.name in ("schema.json", "fixtures.json"):
            continue
        for vector in json.loads(path.read_text())["vectors"]:
            missing = [need for need in vector.get("needs", []) if need not in FEATURES]
            if missing:
                left_out.setdefault(missing[0], []).append(vector["id"])
                continue
            try:
                check(kernel, vector, fixtures)
                passed += 1
            except Exception as wrong:  # A trap, or an error of the runner, fails the vector as well.
                print(f"FAILED {vector['id']} ({vector['title']}): {wrong}")
                failed += 1
    print(f"wasmtime in Python {sys.version.split()[0]}: {time.monotonic() - started:.1f} s")
    for need, ids in left_out.items():
        print(f"{len(ids)} vectors need {need}, which this build leaves out: {', '.join(ids)}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
