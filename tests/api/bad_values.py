"""Values that a field must not take, made from its schema, as raw JSON: some of them no library would write."""

import json
from collections.abc import Iterator
from typing import Any

from tests.api.document import resolve

MARK = "s3ntinel"  # stands in what is sent, and in no answer
_LISTS = {"list": "[]", "list of itself": "[[[]]]", "object": '{"s3ntinel": 1}'}
_NO_JSON = {"nan": "NaN", "infinity": "Infinity", "minus infinity": "-Infinity", "overflow": "1e999"}
_HUGE = {"10 to the 400": "1" + "0" * 400, "5,000 digits": "9" * 5000, "over 64 bits": str(2**64)}


def of(schema: dict[str, Any], *, required: bool) -> Iterator[tuple[str, str]]:
    """Name and raw JSON of every value that a field of this schema must not take.

    Args:
        schema: the field's.
        required: null is refused, unless the schema says that it may be.
    """
    schema = resolve(schema)
    makers = {"string": _strings, "integer": _integers, "boolean": _booleans, "array": _arrays}
    yield from _NO_JSON.items()
    yield from makers.get(schema.get("type", "string"), _strings)(schema)
    if required and not schema.get("nullable"):
        yield "null", "null"


def _strings(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from {"a number": "7", "a boolean": "true", **_LISTS}.items()
    yield "lone surrogate", r'"s3ntinel\ud800"'
    yield "surrogates in the wrong order", r'"s3ntinel\udc00\ud800"'
    if "enum" in schema or "pattern" in schema or schema.get("format") == "date-time":
        yield "no such value", f'"{MARK} {MARK}!"'
        yield "empty", '""'
    else:
        yield "NUL", r'"s3ntinel\u0000 and more"'
        yield "too long", json.dumps(MARK + "x" * schema["maxLength"])
        if schema.get("minLength", 0) > 0:
            yield "empty", '""'


def _integers(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from {"a boolean": "true", "a string": '"40"', "a fraction": "40.5", "a float": "40.0"}.items()
    yield from {**_LISTS, **_HUGE, "an exponent": "4e1", "empty": '""'}.items()
    if "minimum" in schema:
        yield "too small", str(schema["minimum"] - 1)
    if "maximum" in schema:
        yield "too large", str(schema["maximum"] + 1)


def _booleans(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from {"one": "1", "zero": "0", "a string": '"true"', "yes": '"yes"', **_LISTS}.items()


def _arrays(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from {"an object": "{}", "a string": f'"{MARK}"', "a number": "1", "of nulls": "[null]"}.items()
    if schema.get("minItems", 0) > 0:
        yield "empty", "[]"
    if "maxItems" in schema:
        yield "too many", "[" + ",".join(["{}"] * (schema["maxItems"] + 1)) + "]"


DEEP = 100_000
WHOLE: dict[str, bytes] = {
    "not json": b"accept=true",
    "cut short": b'{"accept": tr',
    "never closed": b'{"accept": true',
    "a list": b"[true]",
    "a string": b'"s3ntinel"',
    "a number": b"7",
    "a boolean": b"true",
    "nan alone": b"NaN",
    "minus zero with a fraction that ends": b"-0.",
    "unknown field": b'{"s3ntinel": 1}',
    "unknown field with surrogate": b'{"\\ud800": 1}',
    "prototype": b'{"__proto__": {"s3ntinel": 1}, "constructor": 1}',
    "duplicate key": b'{"s3ntinel": false, "s3ntinel": true}',
    "deep lists": b'{"accept": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep lists without end": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    f"{DEEP} deep, more than a body may have": b"[" * DEEP + b"]" * DEEP,
    "invalid utf-8": b'{"s3ntinel": "\xff"}',
    "overlong utf-8": b'{"s3ntinel": "\xc0\xae"}',
    "surrogates as utf-8": b'{"s3ntinel": "\xed\xa0\x80"}',
    "utf-16": '{"s3ntinel": true}'.encode("utf-16"),
    "utf-32": '{"s3ntinel": true}'.encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "comment": b"{} // s3ntinel",
    "single quotes": b"{'s3ntinel': 1}",
    "control character in a string": b'{"s3ntinel": "a\nb"}',
    "NUL bytes": b"\x00" * 100,
    "too large": b'{"s3ntinel": "' + b"x" * 70_000 + b'"}',
    "gzip without saying so": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00C\xbf\xa6\xa3\x02\x00\x00\x00",
}
"""Bodies that are no JSON object of any route."""
EMPTY: dict[str, bytes] = {"nothing": b"", "null": b"null", "blanks": b" \r\n\t "}
"""Bodies that only a route takes whose body may be left out."""

HEADERS: dict[str, dict[str, str]] = {
    "plain text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "a form without boundary": {"Content-Type": "multipart/form-data"},
    "xml": {"Content-Type": "application/xml"},
    "no type": {"Content-Type": ""},
    "nonsense for a type": {"Content-Type": ";;;/\\"},
    "gzip": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    "brotli, twice": {"Content-Type": "application/json", "Content-Encoding": "br, br"},
}
"""Headers that promise something else than JSON."""
