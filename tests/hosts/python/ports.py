"""The host under a vector: memory storage, a broker in memory, a clock that stands, seeded randomness. Every call of storage and
broadcast is written down, and any of them can be made to fail."""

import json

from component import StorageError
from memory_storage import MemoryStorage

REASON = "the vector says so"
MASK = (1 << 64) - 1

#: What a list is called where it is the only argument.
LISTS = {"find_many": "queries", "delivered": "records"}


class Log:
    """What happened at the ports, and what is to fail there."""

    def __init__(self):
        self.faults = []
        self.calls = []
        self.messages = []

    def call(self, name, arguments):
        self.calls.append((name, arguments))
        names = (name, name.split(".")[0])
        return next((fault for fault in self.faults if fault["call"] in names), None)

    def take(self):
        taken = self.calls, self.messages
        self.calls, self.messages = [], []
        return taken


class Host:
    def __init__(self, now, identifier):
        self.log = Log()
        self.inner = MemoryStorage()
        self.storage = Recorder(self.inner, self.log)
        self.broadcast = Broker(self.log)
        self.time = now
        self.state = seed(identifier)

    def now(self):
        return self.time

    def random(self, length):
        """SplitMix64, each number as eight bytes, big end first."""
        if any(fault["call"] == "random.fill" for fault in self.log.faults):
            raise OSError(REASON)
        drawn = b""
        while len(drawn) < length:
            self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
            number = self.state
            number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & MASK
            drawn += (number ^ (number >> 31)).to_bytes(8, "big")
        return drawn[:length]


def seed(identifier):
    """FNV-1a."""
    hashed = 0xCBF29CE484222325
    for byte in identifier.encode():
        hashed = ((hashed ^ byte) * 0x100000001B3) & MASK
    return hashed


class Recorder:
    """A storage whose calls are written down."""

    def __init__(self, inner, log):
        self.inner = inner
        self.log = log

    def __getattr__(self, name):
        def call(argument):
            shown = {LISTS[name]: argument} if name in LISTS else argument
            fault = self.log.call(f"storage.{name}", readable(shown))
            if fault is not None:
                raise failure(fault["error"])
            return getattr(self.inner, name)(argument)

        return call


def readable(value):
    """A copy in which extra data is an object: two hosts may order the members of the text differently."""
    if isinstance(value, list):
        return [readable(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        name: json.loads(member) if name == "extra_data" and member is not None else readable(member)
        for name, member in value.items()
    }


def failure(error):
    if error in ("guard_epoch", "guard_session"):
        return StorageError("guard_failed", guard=error.removeprefix("guard_"))
    return StorageError(error if error in ("unavailable", "conflict") else "other", REASON)


class Broker:
    """Takes every message, unless it is made to fail, and remembers what it took."""

    def __init__(self, log):
        self.log = log

    def publish(self, messages):
        shown = [message_json(message) for message in messages]
        fault = self.log.call("broadcast.publish", {"messages": shown})
        answers = []
        for message in shown:
            if fault is not None and ("topic" not in fault or fault["topic"] in message.get("topic", "")):
                kind = "unavailable" if fault["error"] == "unavailable" else "other"
                answers.append({"err": {kind: REASON}})
            else:
                self.log.messages.append(message)
                answers.append("ok")
        return answers


def message_json(message):
    [(kind, fields)] = message.items()
    present = {name: value for name, value in fields.items() if value is not None}
    more = {"event": "disconnect", "payload": {}} if kind == "disconnect" else {}
    return {"kind": kind, **present, **more}
