"""Strict JSON."""

import json
from typing import Any

import pytest

from api.strict import parse_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, 2.5, null, true, "\\u00e9\\ud83e\\udd8a"]} ', {"a": [1, 2.5, None, True, "é🦊"]}),
        ('"é"'.encode(), "é"),
        (b"1e308", 1e308),
    ],
)
def test_json_is_read(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"9" * 5000,
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b'"\xff"',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"\x00",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_strict_json_is_refused_without_an_echo(body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError) as refused:
        parse_json(body)
    assert "9999" not in refused.value.msg
    assert "ud800" not in refused.value.msg
