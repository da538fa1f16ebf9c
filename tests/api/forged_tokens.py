"""Access tokens that are nearly right: each differs from a good one in one thing."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import uuid_utils

_YEAR_S = 365 * 24 * 3600


class Forge:
    """Makes tokens out of a good one.

    Args:
        good: a valid access token.
        key: what it was signed with.
    """

    def __init__(self, good: str, key: str) -> None:
        self._key = key.encode()
        self._header = jwt.get_unverified_header(good)
        self._claims = jwt.decode(good, options={"verify_signature": False})
        self._good = good

    def sign(self, claims: dict[str, Any], *, algorithm: str = "HS256", **header: Any) -> str:
        """A token with these claims, signed by the service's own key."""
        return self._assemble(claims, {**self._header, "alg": algorithm, **header}, self._key)

    def changed(self, **claims: Any) -> str:
        """The good token with other claims, well signed."""
        return self.sign({**self._claims, **claims})

    def _assemble(self, claims: Any, header: dict[str, Any], key: bytes) -> str:
        signer = jwt.get_algorithm_by_name(header["alg"] if header["alg"] in _SYMMETRIC else "HS256")
        body = f"{_encode(header)}.{_encode(claims)}"
        return f"{body}.{_base64(signer.sign(body.encode(), key))}"

    def without(self, claim: str) -> str:
        """The good token without a claim, well signed."""
        return self.sign({name: value for name, value in self._claims.items() if name != claim})

    def all_of_them(self) -> Iterator[tuple[str, str]]:
        """Name and token of every forgery."""
        yield from self._unsigned()
        yield from self._other_signatures()
        yield from self._other_claims()
        yield from self._cut_up()
        for claim in self._claims:
            yield f"without {claim}", self.without(claim)

    def _unsigned(self) -> Iterator[tuple[str, str]]:
        for name in ("none", "None", "nOnE", "NONE", ""):
            header = {**self._header, "alg": name}
            yield f"algorithm {name!r}", f"{_encode(header)}.{_encode(self._claims)}."
        yield "unsigned", self._good.rpartition(".")[0] + "."
        yield "without a signature's dot", self._good.rpartition(".")[0]
        yield "without an algorithm", f"{_encode({'typ': 'JWT'})}.{_encode(self._claims)}.{self._good.split('.')[2]}"

    def _other_signatures(self) -> Iterator[tuple[str, str]]:
        for algorithm in ("HS384", "HS512"):
            yield f"signed by {algorithm}", self.sign(self._claims, algorithm=algorithm)
        for algorithm in ("RS256", "ES256", "PS256", "EdDSA", "HS257", "hs256"):
            yield f"labelled {algorithm}", self._assemble(self._claims, {**self._header, "alg": algorithm}, self._key)
        for name, key in (("empty key", b""), ("another key", b"x" * 32), ("key and a blank", self._key + b" ")):
            yield f"signed by an {name}", self._assemble(self._claims, self._header, key)
        for kid in ("../../../../dev/null", "' OR '1'='1", "none", "", "0", 7, None, ["a"], "x" * 5000):
            yield (
                f"key {str(kid)[:24]!r}, signed by nothing",
                self._assemble(self._claims, {**self._header, "kid": kid}, b""),
            )
        own = {"kty": "oct", "k": _base64(b"x" * 32)}
        yield "bringing its key", self._assemble(self._claims, {**self._header, "jwk": own}, b"x" * 32)
        yield (
            "saying where its key is",
            self._assemble(self._claims, {**self._header, "jku": "http://127.0.0.1/"}, b"x" * 32),
        )
        yield "with a header that must be understood", self.sign(self._claims, crit=["exp2"], exp2=1)
        yield "with its payload not encoded", self.sign(self._claims, crit=["b64"], b64=False)

    def _other_claims(self) -> Iterator[tuple[str, str]]:
        now = int(time.time())
        yield "expired", self.changed(exp=now - 1, iat=now - 1000)
        yield "expired in 1970", self.changed(exp=0)
        yield "issued tomorrow", self.changed(iat=now + 86_400, exp=now + 2 * 86_400)
        for name in ("exp", "iat"):
            for value in ("soon", None, True, [], {}, "9" * 400, 10**400, "NaN"):
                yield f"{name} is {str(value)[:12]!r}", self.changed(**{name: value})
        yield "exp is infinite", self._raw_claim("exp", "Infinity")
        yield "exp is not a number", self._raw_claim("exp", "NaN")
        yield "another issuer", self.changed(iss="etalon.example")
        yield "two issuers", self.changed(iss=["etalon", "other"])
        yield "another audience", self.changed(aud="other")
        yield "two audiences", self.changed(aud=["etalon-api", "other"])
        for value in (str(uuid_utils.uuid7()), "", "admin", 7, None, {}, "\x00", "' OR 1=1 --"):
            yield f"sub is {value!r}", self.changed(sub=value)
        for value in (0, 2, -1, "1", 1.0, True, None, [], 10**30):
            yield f"ver is {value!r}", self.changed(ver=value)
        yield "not to be used before next year", self.changed(nbf=now + _YEAR_S)
        yield "claims that are a list", self.sign([self._claims])  # type: ignore[arg-type]
        yield "claims that are a word", self.sign("admin")  # type: ignore[arg-type]

    def _raw_claim(self, name: str, raw: str) -> str:
        text = json.dumps({**self._claims, name: "@@"}).replace('"@@"', raw)
        body = f"{_encode(self._header)}.{_base64(text.encode())}"
        return f"{body}.{_base64(jwt.get_algorithm_by_name('HS256').sign(body.encode(), self._key))}"

    def _cut_up(self) -> Iterator[tuple[str, str]]:
        header, claims, signature = self._good.split(".")
        yield "the last letter lost", self._good[:-1]
        yield "a letter changed", f"{header}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
        yield "claims of another token", f"{header}.{_encode({**self._claims, 'role': 'admin'})}.{signature}"
        yield "a fourth part", f"{self._good}.x"
        yield "two parts", f"{header}.{signature}"
        yield "dots", ".."
        yield "a word", "s3ntinel"
        yield "30,000 letters", "a" * 30_000
        yield "deep claims", f"{header}.{_base64(b'[' * 20_000)}.{signature}"
        yield "twice", f"{self._good}{self._good}"


_SYMMETRIC = ("HS256", "HS384", "HS512")


def _encode(value: Any) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
