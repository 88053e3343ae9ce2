"""How schemathesis authenticates, so that it gets past the first refusal, and what JSON Schema cannot say."""

import itertools
import os

import requests
import schemathesis

URL = os.environ["AUTHKERNEL_URL"]
CLIENT = (os.environ["AUTHKERNEL_CLIENT_ID"], os.environ["AUTHKERNEL_CLIENT_SECRET"])
# That of the document's examples, so that these change what they say they change.
PASSWORD = "correct horse battery"

numbers = itertools.count()


@schemathesis.auth(refresh_interval=None)
class Session:
    """A session of its own for each request: many of them end it."""

    def get(self, case, context):
        path = case.operation.path
        if path.startswith(("/oauth/", "/admin/")):
            return requests.auth._basic_auth_str(*CLIENT)
        # A stream of events has no end that could be waited for.
        if path == "/live/events" or not case.operation.definition.raw.get("security"):
            return None
        account = {"email": f"caller-{next(numbers)}@example.com", "password": PASSWORD}
        requests.post(f"{URL}/api/register", json=account).raise_for_status()
        answer = requests.post(f"{URL}/api/sign-in", json={**account, "cookie": False})
        answer.raise_for_status()
        return "Bearer " + answer.json()["token"]

    def set(self, case, data, context):
        if data is not None:
            case.headers = {**(case.headers or {}), "Authorization": data}


def fits(value):
    """Lengths are counted in bytes, which JSON Schema cannot."""
    match value:
        case str():
            return len(value.encode("utf-8", "surrogatepass")) <= 255
        case dict():
            return all(fits(member) for name, member in value.items() if "password" not in name)
        case list():
            return all(fits(item) for item in value)
    return True


@schemathesis.hook
def filter_body(context, body):
    return fits(body)


@schemathesis.hook
def filter_path_parameters(context, parameters):
    return fits(parameters)
