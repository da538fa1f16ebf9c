"""Forms as bytes: whole ones, and ones that no library would send."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.api.bad_values import MARK
from tests.api.document import FORM, URLENCODED, Operation, resolve

BOUNDARY = "b0undary"
MULTIPART = f"{FORM}; boundary={BOUNDARY}"
_OPENING, _CLOSING = f"--{BOUNDARY}\r\n".encode(), f"--{BOUNDARY}--\r\n".encode()

Form = tuple[str, bytes]
"""A content type and a body."""


def part(name: bytes, value: bytes, filename: bytes | None = None) -> bytes:
    """One field of a multipart form."""
    named = b'; filename="' + filename + b'"' if filename is not None else b""
    disposition = b'Content-Disposition: form-data; name="' + name + b'"' + named
    return _OPENING + disposition + b"\r\n\r\n" + value + b"\r\n"


def multipart(parts: Iterable[bytes]) -> Form:
    """A multipart form."""
    return MULTIPART, b"".join(parts) + _CLOSING


def of_fields(operation: Operation, fields: Iterable[tuple[str, bytes]]) -> Form:
    """A form with these fields, as the operation wants it to be written."""
    if operation.content_type == FORM:
        return multipart(part(name.encode(), value) for name, value in fields)
    return URLENCODED, urlencode(list(fields)).encode()


def broken_fields(operation: Operation, valid: Mapping[str, str]) -> Iterator[tuple[str, Form]]:
    """Every field of the form broken in every way, one at a time, the others valid.

    Args:
        valid: the smallest form that is accepted.
    """
    sent = {name: value.encode() for name, value in valid.items()}
    for name, declared in operation.body["properties"].items():
        schema = resolve(declared)
        if schema.get("format") == "binary":
            continue
        for fault, value in _faults(schema):
            yield f"{name} {fault}", of_fields(operation, {**sent, name: value}.items())
        twice = [*sent.items(), (name, b"x"), (name, b"y")]
        yield f"{name} twice", of_fields(operation, twice)
        if operation.content_type == FORM:
            parts = [part(key.encode(), value) for key, value in sent.items() if key != name]
            yield f"{name} as a file", multipart([*parts, part(name.encode(), b"x", b"s3ntinel.txt")])
    for name in operation.body.get("required", ()):
        yield f"no {name}", of_fields(operation, [(key, value) for key, value in sent.items() if key != name])


def _faults(schema: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield "NUL", b"s3ntinel\x00 and more"
    yield "over 64 KiB", MARK.encode() + b"x" * 70_000
    yield "invalid UTF-8", b"caf\xe9 s3ntinel"
    yield "overlong UTF-8", b"\xc0\xaf s3ntinel"
    yield "surrogates as UTF-8", b"\xed\xa0\x80 s3ntinel"
    yield "cut UTF-8", b"s3ntinel \xf0\x9f\xa6"
    yield "another value", b"s3ntinel\xff"
    if "maxLength" in schema:
        yield "too long", MARK.encode() + b"x" * schema["maxLength"]
    if schema.get("minLength", 0) > 0:
        yield "empty", b""


_FIELD = part(b"designation", b"x")
_NAMELESS = _OPENING + b"Content-Disposition: form-data\r\n\r\nx\r\n" + _CLOSING
_NESTED = _OPENING + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n" + _CLOSING

BROKEN: dict[str, Form] = {
    "nothing": (MULTIPART, b""),
    "only the end": (MULTIPART, _CLOSING),
    "no boundary": (FORM, _FIELD + _CLOSING),
    "an empty boundary": (f"{FORM}; boundary=", _FIELD + _CLOSING),
    "another boundary": (f"{FORM}; boundary=c", _FIELD + _CLOSING),
    "a boundary of 300 characters": (f"{FORM}; boundary={'b' * 300}", _FIELD + _CLOSING),
    "no name": (MULTIPART, _NAMELESS),
    "an empty name": (MULTIPART, part(b"", b"x") + _CLOSING),
    "a name that is not UTF-8": (MULTIPART, part(b"d\xe9", b"x") + _CLOSING),
    "no disposition": (MULTIPART, _OPENING + b"X: y\r\n\r\nx\r\n" + _CLOSING),
    "no header's end": (MULTIPART, _OPENING + b"Content-Disposition: form-data; name=designation"),
    "a header without end": (MULTIPART, _OPENING + b"X: " + b"y" * 50_000),
    "a thousand headers": (MULTIPART, _OPENING + b"X: y\r\n" * 1000 + b"\r\nx\r\n" + _CLOSING),
    "a form in the form": (MULTIPART, _NESTED),
    "garbage": (MULTIPART, b"\x00" * 500),
    "cut in a field": (MULTIPART, _FIELD[:-10]),
    "17 fields": (MULTIPART, b"".join(part(b"f%d" % n, b"x") for n in range(17)) + _CLOSING),
    "2,000 fields": (MULTIPART, b"".join(part(b"f%d" % n, b"x") for n in range(2000)) + _CLOSING),
    "2,000 fields, urlencoded": (URLENCODED, b"&".join(b"f%d=x" % n for n in range(2000))),
    "not UTF-8, urlencoded": (URLENCODED, b"designation=%FF&username=%FF&password=%FF"),
    "nothing, urlencoded": (URLENCODED, b""),
    "only separators, urlencoded": (URLENCODED, b"&&&;;;==="),
    "JSON": ("application/json", b'{"designation": "s3ntinel", "username": "s3ntinel", "password": "s3ntinel"}'),
    "plain text": ("text/plain", b"designation=s3ntinel"),
    "no type": ("", b"designation=s3ntinel&username=s3ntinel"),
}
"""Bodies that are no form of any route."""
