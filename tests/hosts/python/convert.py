"""Values of the component <-> plain JSON values with the names of WIT and underscores.

A record is a dict in which what is absent is None, a variant is a text or a dict of one member, an enum is a text. Converters are
made from the component's own types, so that nothing is written down twice.
"""

from wasmtime.component import EnumType, ListType, OptionType, Record, RecordType, ResultType, U8, Variant, VariantType


def underscored(name):
    return name.replace("-", "_")


def hyphened(name):
    return name.replace("_", "-")


class Converter:
    """Both directions for one type: `lower` is given JSON, `lift` answers it."""

    def __init__(self, lower, lift):
        self.lower = lower
        self.lift = lift


def same(value):
    return value


def converter(ty):
    """The converter of a component type; `None` stands for no value."""
    if isinstance(ty, RecordType):
        return record([(name, underscored(name), converter(field)) for name, field in ty.fields])
    if isinstance(ty, ListType):
        if isinstance(ty.element, U8):
            return Converter(bytes, bytes)
        element = converter(ty.element)
        return Converter(lambda value: [element.lower(it) for it in value], lambda value: [element.lift(it) for it in value])
    if isinstance(ty, OptionType):
        payload = converter(ty.payload)
        return Converter(
            lambda value: None if value is None else payload.lower(value),
            lambda value: None if value is None else payload.lift(value),
        )
    if isinstance(ty, EnumType):
        return Converter(hyphened, underscored)
    if isinstance(ty, (VariantType, ResultType)):
        return variant(ty)
    return Converter(same, same)


def record(fields):
    names = {json_name for _, json_name, _ in fields}

    def lower(value):
        strangers = set(value) - names
        if strangers:
            raise KeyError(f"no such field: {strangers}")
        lowered = Record()
        for name, json_name, field in fields:
            setattr(lowered, name, field.lower(value.get(json_name)))
        return lowered

    def lift(value):
        return {json_name: field.lift(getattr(value, name)) for name, json_name, field in fields}

    return Converter(lower, lift)


def variant(ty):
    """The wasmtime package hands a variant over with its tag only where the cases could not be told apart without it."""
    cases = {name: None if payload is None else converter(payload) for name, payload in ty._cases()}
    tagged = ty._tagged()
    classes = {}
    for name, payload in ty._cases():
        known = set()
        if payload is not None:
            payload.add_classes(known)
        classes[name] = tuple(known)

    def lower(value):
        [(json_name, payload)] = value.items() if isinstance(value, dict) else [(value, None)]
        name = hyphened(json_name)
        lowered = None if cases[name] is None else cases[name].lower(payload)
        return Variant(name, lowered) if tagged else lowered

    def lift(value):
        if tagged:
            name, payload = value.tag, value.payload
        else:
            name, payload = next(name for name, known in classes.items() if (isinstance(value, known) if known else value is None)), value
        lifted = underscored(name)
        return lifted if cases[name] is None else {lifted: cases[name].lift(payload)}

    return Converter(lower, lift)
