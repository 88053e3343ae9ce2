"""Compares what came with what a vector expects, and puts names' values into texts. tests/README.md has the patterns."""

import json
import re


def mismatch(path, expected, found):
    """What is wrong with `found`, or None. Objects may have more members than are asked for; arrays may not."""
    complaint = f"{path}: expected {json.dumps(expected)}, found {json.dumps(found)}"
    if isinstance(expected, str) and expected.startswith("$"):
        pattern = PATTERNS.get(expected)
        if pattern is None:
            return f"{path}: there is no pattern {expected}"
        return None if pattern(found) else complaint
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return complaint
        return first(mismatch(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(expected, found)))
    if isinstance(expected, dict):
        if list(expected) == ["$has"]:
            return None if isinstance(found, str) and expected["$has"] in found else complaint
        if list(expected) == ["$not"]:
            return None if mismatch(path, expected["$not"], found) else complaint
        if list(expected) == ["$only"]:
            only = expected["$only"]
            if not isinstance(found, dict):
                return complaint
            strangers = [name for name in found if name not in only]
            return f"{path}.{strangers[0]}: expected nothing" if strangers else mismatch(path, only, found)
        if not isinstance(found, dict):
            return complaint
        return first(mismatch(f"{path}.{name}", value, found.get(name)) for name, value in expected.items())
    # To Python, True is 1.
    equal = isinstance(expected, bool) == isinstance(found, bool) and expected == found
    return None if equal else complaint


PATTERNS = {
    "$id": lambda found: isinstance(found, str) and re.fullmatch("[a-z2-7]{26}", found) is not None,
    "$text": lambda found: isinstance(found, str) and found != "",
    "$any": lambda found: found is not None,
    "$none": lambda found: found is None,
}


def first(complaints):
    return next((complaint for complaint in complaints if complaint is not None), None)


def resolve(value, names):
    """`@{name.field}` inside a text; a text that is nothing else becomes the value itself."""
    if isinstance(value, list):
        return [resolve(element, names) for element in value]
    if isinstance(value, dict):
        return {name: resolve(member, names) for name, member in value.items()}
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"@\{([^}]*)\}", value)
    if whole:
        return look_up(whole[1], names)

    def part(match):
        found = look_up(match[1], names)
        if isinstance(found, bool) or not isinstance(found, (str, int)):
            raise AssertionError(f"@{{{match[1]}}} is {found}, which has no place in a text")
        return str(found)

    return re.sub(r"@\{([^}]*)\}", part, value)


def look_up(path, names):
    name, *parts = path.split(".")
    value = names[name]
    for part in parts:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value
