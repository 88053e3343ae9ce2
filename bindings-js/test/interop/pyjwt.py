"""PyJWT on one side of `pyjwt.test.mjs`: reads one JSON request a line, answers one a line."""

import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm


def sign(request):
    key = jwt.PyJWK(request["jwk"])
    return jwt.encode(request["claims"], key.key, algorithm=key.algorithm_name, headers={"kid": request["jwk"]["kid"]})


def verify(request):
    # From a whole set, as a service would find the key.
    keys = jwt.PyJWKSet.from_dict(request["jwks"])
    header = jwt.get_unverified_header(request["token"])
    key = keys[header["kid"]]
    payload = jwt.decode(request["token"], key.key, algorithms=[request["alg"]], audience=request["audience"], issuer=request["issuer"])
    return {"header": header, "payload": payload}


def generate(request):
    alg = request["alg"]
    if alg == "EdDSA":
        jwk = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
    elif alg == "ES256":
        jwk = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    else:
        jwk = HMACAlgorithm.to_jwk(bytes.fromhex(request["secret"]), as_dict=True)
    # PyJWT writes what a key may do as `key_ops`; it is left in.
    return {**jwk, "alg": alg, "kid": f"pyjwt-{alg}"}


ACTIONS = {"sign": sign, "verify": verify, "generate": generate}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"ok": ACTIONS[asked["do"]](asked)}
    except jwt.PyJWTError as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
