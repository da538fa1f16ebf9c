"""Paths, queries and headers that no client of good will sends."""

from collections.abc import Iterator
from typing import Any

from tests.api.document import resolve

PATHS: dict[str, str] = {
    "NUL": "%00",
    "NUL inside": "01920000-0000-7000-8000%00-000000000000",
    "an encoded slash": "a%2Fb",
    "up and away": "..%2F..%2F..%2Fetc%2Fpasswd",
    "up and away, twice encoded": "%252e%252e%252fetc%252fpasswd",
    "backslashes": "..%5C..%5Cwindows",
    "not UTF-8": "%ff%fe",
    "overlong UTF-8": "%c0%ae%c0%ae",
    "a surrogate": "%ED%A0%80",
    "half an escape": "%",
    "no escape": "%zz",
    "SQL": "'%20OR%20'1'='1",
    "more SQL": "1;DROP%20TABLE%20prediction;--",
    "a template": "%7B%7B7*7%7D%7D",
    "a line's end": "x%0d%0aSet-Cookie:%20s3ntinel=1",
    "a script": "%3Cscript%3Es3ntinel%3C/script%3E",
    "an emoji": "%F0%9F%A6%8A",
    "digits of another script": "%EF%BC%91%EF%BC%92",
    "minus one": "-1",
    "a float": "1e999",
    "a hole": "null",
    "upper case": "01920000-0000-7000-8000-00000000000A",
    "braces": "%7Bprediction_id%7D",
    "blanks around": "%2001920000-0000-7000-8000-000000000000%20",
    "a line after": "01920000-0000-7000-8000-000000000000%0A",
    "10,000 letters": "s3ntinel" * 1250,
    "a file's name": "openapi.json",
    "a wildcard": "%25",
    "an address": "http:%2F%2Fs3ntinel%2F",
}
"""What stands where a path names a thing; none of them is there."""

_NUMBERS = {
    "a word": "s3ntinel",
    "empty": "",
    "minus one": "-1",
    "a fraction": "1.5",
    "an exponent": "1e3",
    "not a number": "NaN",
    "infinite": "Infinity",
    "400 digits": "9" * 400,
    "5,000 digits": "9" * 5000,
    "other digits": "%D9%A1%D9%A2x",
    "hexadecimal": "0x10",
    "NUL": "1%00",
    "not UTF-8": "%ff",
    "a list": "[1]",
}
_BOOLEANS = {"a word": "s3ntinel", "two": "2", "empty": "", "NUL": "%00", "not UTF-8": "%ff"}
_CHOICES = {"no such one": "s3ntinel", "empty": "", "NUL": "%00", "not UTF-8": "%ff", "another case": "S3NTINEL"}


def queries(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and encoded value of what a query's parameter of this schema must not take."""
    schema = resolve(schema)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        # A number may be written with a fraction or an exponent, and is told its bounds.
        odd = {"a fraction", "an exponent"} if kind == "number" else set()
        yield from ((name, value) for name, value in _NUMBERS.items() if name not in odd)
        yield from _beyond(schema)
    elif kind == "boolean":
        yield from _BOOLEANS.items()
    elif "enum" in schema or "format" in schema:
        yield from _CHOICES.items()
    elif "maxLength" in schema:
        yield "too long", "s3ntinel" + "x" * schema["maxLength"]


def _beyond(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "minimum" in schema:
        yield "too small", str(schema["minimum"] - 1)
    if "maximum" in schema:
        yield "too large", str(schema["maximum"] + 1)


HEADERS: dict[str, dict[str, bytes]] = {
    "if-match": {
        "a word": b"s3ntinel",
        "a weak tag": b'W/"1"',
        "several tags": b'"1", "2"',
        "minus one": b'"-1"',
        "10 digits": b'"1234567890"',
        "400 digits": b"9" * 400,
        "not ASCII": "\u0661".encode(),
        "not UTF-8": b"\xff\xfe",
        "a quote": b'"',
        "empty tag": b'""',
    },
    "Idempotency-Key": {
        "a blank": b"a b",
        "129 characters": b"k" * 129,
        "60 KiB": b"k" * 60_000,
        "not ASCII": "clé".encode(),
        "not UTF-8": b"\xff\xfe",
        "a tab": b"a\tb",
        "empty": b"",
    },
}
"""Values that the headers of these names must not take."""
