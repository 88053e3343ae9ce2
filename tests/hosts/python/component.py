"""The kernel's component in wasmtime, and what it imports: storage, broadcast, a clock, randomness.

It converts and calls; every decision is the component's. One instance serves all authenticators, one call at a time: it keeps
nothing between calls but their policies and keys. What it imports is therefore of whoever calls now.
"""

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, FuncType, Linker

from convert import converter, underscored

STORAGE = "auth:kernel/storage@0.1.0"
BROADCAST = "auth:kernel/broadcast@0.1.0"
CLOCK = "wasi:clocks/wall-clock@0.2.0"
RANDOM = "wasi:random/random@0.2.0"
TOKENS = "auth:kernel/tokens@0.1.0"


class Refusal(Exception):
    """What the kernel refused: a stable code, and a message."""

    def __init__(self, error):
        super().__init__(f"{error['message']} ({error['code']})")
        self.code = error["code"]
        self.message = error["message"]


class StorageError(Exception):
    """Why a storage could not do what was asked: `unavailable`, `conflict`, `guard_failed` or `other`."""

    def __init__(self, kind, message="", guard=None):
        super().__init__(message or kind)
        self.kind = kind
        self.guard = guard

    def json(self):
        if self.kind == "conflict":
            return "conflict"
        return {self.kind: self.guard if self.kind == "guard_failed" else str(self)}


def functions_of(interface, engine):
    """Name and type of an interface's functions; the types that it declares are left out."""
    items = ((name, item.ty) for name, item in interface.ty.exports(engine).items())
    return [(name, ty) for name, ty in items if isinstance(ty, FuncType)]


class Kernel:
    """A loaded component."""

    def __init__(self, path):
        self.engine = engine = Engine(Config())
        self.component = component = Component.from_file(engine, path)
        self.host = None
        self.linker = linker = Linker(engine)
        with linker.root() as root:
            for name, interface in component.type.imports(engine).items():
                with root.add_instance(name) as instance:
                    for function, ty in functions_of(interface, engine):
                        instance.add_func(function, self.imported(name, function, ty))
        self.instantiate()

    def instantiate(self):
        """A new instance; authenticators of the one before are lost with it."""
        self.store = Store(self.engine)
        instance = self.linker.instantiate(self.store, self.component)
        tokens = instance.get_export_index(self.store, TOKENS)
        self.functions = {}
        for name, ty in functions_of(self.component.type.exports(self.engine)[TOKENS], self.engine):
            index = instance.get_export_index(self.store, name, tokens)
            function = instance.get_func(self.store, index)
            parameters = [converter(parameter) for _, parameter in ty.params]
            operation = underscored(name.split("]")[-1].removeprefix("authenticator."))
            self.functions[operation] = (function, parameters, converter(ty.result))

    def imported(self, interface, function, ty):
        parameters = [converter(parameter) for _, parameter in ty.params]
        names = [underscored(name) for name, _ in ty.params]
        result = converter(ty.result)
        answer = {STORAGE: self.storage, BROADCAST: self.broadcast, CLOCK: self.clock, RANDOM: self.random}[interface]

        def call(_store, *given):
            lifted = {name: parameter.lift(value) for name, parameter, value in zip(names, parameters, given)}
            return result.lower(answer(underscored(function), lifted))

        return call

    def storage(self, function, given):
        # One argument is handed over as it stands, several as one dict.
        argument = next(iter(given.values())) if len(given) == 1 else given
        try:
            return {"ok": getattr(self.host.storage, function)(argument)}
        except StorageError as error:
            return {"err": error.json()}

    def broadcast(self, _function, given):
        return self.host.broadcast.publish(given["messages"])

    def clock(self, function, _given):
        if function == "now":
            return {"seconds": self.host.now(), "nanoseconds": 0}
        return {"seconds": 0, "nanoseconds": 1}

    def random(self, function, given):
        # WASI has no error here; the component takes less than it asked for as one.
        if function == "get_random_u64":
            return int.from_bytes(self.host.random(8), "big")
        try:
            return self.host.random(given["len"])
        except OSError:
            return b""

    def call(self, host, operation, *given):
        """Calls an operation on behalf of a host; raises `Refusal`."""
        function, parameters, result = self.functions[operation]
        self.host = host
        try:
            lowered = [parameter.lower(value) for parameter, value in zip(parameters, given)]
            answer = result.lift(function(self.store, *lowered))
        except Exception:
            # A trap: this instance cannot be entered any more.
            self.instantiate()
            raise
        finally:
            self.host = None
        if isinstance(answer, dict) and "err" in answer:
            raise Refusal(answer["err"])
        return answer["ok"] if isinstance(answer, dict) else None

    def create(self, host, policy, keys):
        """An authenticator: the two documents, parsed."""
        return Authenticator(self, host, self.call(host, "create", policy, keys))


class Authenticator:
    """Parsed policy and keys over one host."""

    def __init__(self, kernel, host, resource):
        self.kernel = kernel
        self.host = host
        self.resource = resource

    def call(self, operation, *given):
        return self.kernel.call(self.host, operation, self.resource, *given)

    def close(self):
        self.resource.drop(self.kernel.store)
