"""Hostile requests: every answer is a 4xx problem that repeats nothing, and nothing is left half-done."""

import json
from typing import Any

import pytest

from core.db.models import Prediction, Verdict
from tests.integration.api.toys import Service, problem

MARK = "s3ntinel"

BODIES: dict[str, bytes] = {
    "empty": b"",
    "not json": b"accept=true",
    "cut short": b'{"accept": tr',
    "null": b"null",
    "list": b"[true]",
    "string": b'"accept"',
    "no fields": b"{}",
    "nan": b'{"accept": true, "prdtypecode": NaN}',
    "infinity": b'{"accept": true, "prdtypecode": Infinity}',
    "minus infinity": b'{"accept": true, "prdtypecode": -Infinity}',
    "overflow": b'{"accept": true, "prdtypecode": 1e999}',
    "float": b'{"accept": true, "prdtypecode": 40.0}',
    "10 to the 400": b'{"accept": true, "prdtypecode": 1' + b"0" * 400 + b"}",
    "5,000 digits": b'{"accept": true, "prdtypecode": ' + b"9" * 5000 + b"}",
    "negative": b'{"accept": true, "prdtypecode": -1}',
    "over 32 bits": b'{"accept": true, "prdtypecode": 2147483648}',
    "bool for int": b'{"accept": true, "prdtypecode": true}',
    "string for int": b'{"accept": true, "prdtypecode": "40"}',
    "int for bool": b'{"accept": 1}',
    "string for bool": b'{"accept": "true"}',
    "unknown field": b'{"accept": true, "s3ntinel": 1}',
    "unknown field with surrogate": b'{"accept": true, "\\ud800": 1}',
    "lone surrogate": b'{"accept": true, "reason": "\\ud800"}',
    "nul": b'{"accept": true, "reason": "s3ntinel\\u0000"}',
    "long reason": b'{"accept": true, "reason": "' + b"x" * 501 + b'"}',
    "duplicate key": b'{"accept": false, "accept": true}',
    "depth bomb": b'{"accept": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "object bomb": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "invalid utf-8": b'{"accept": true, "reason": "\xff"}',
    "utf-16": '{"accept": true}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"accept": true}',
    "too large": b'{"accept": true, "reason": "' + b"x" * 70_000 + b'"}',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_hostile_json_body_is_refused(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], name: str, method: str
) -> None:
    made = service.predict(customer)["id"]
    path = f"/predictions/{made}" + ("/validate" if method == "POST" else "")
    headers = {**reviewer, "Content-Type": "application/json"}
    answer = service.http.request(method, path, content=BODIES[name], headers=headers)
    assert answer.status_code in {400, 413, 422}, answer.text
    assert MARK not in answer.text
    problem(answer)
    assert service.rows(Verdict) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": ""},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "Content-Length": "9" * 30},
    ],
    ids=str,
)
def test_a_body_of_another_kind_is_refused(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], headers: dict[str, str]
) -> None:
    made = service.predict(customer)["id"]
    answer = service.http.post(
        f"/predictions/{made}/validate", content=b'{"accept": true}', headers={**reviewer, **headers}
    )
    assert answer.status_code in {400, 413, 415, 422}
    problem(answer)
    assert service.rows(Verdict) == []


FORMS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "empty designation": {"data": {"designation": ""}},
    "blanks": {"data": {"designation": " \t\r\n\u00a0\u3000"}},
    "zero width": {"data": {"designation": "\u200b\u200d\u2060\ufeff\u00ad"}},
    "invisible letters": {"data": {"designation": "\u3164\u115f\u2800"}},
    "bidirectional controls only": {"data": {"designation": "\u202e\u2066"}},
    "nul": {"data": {"designation": "s3ntinel\x00"}},
    "nul in description": {"data": {"designation": "x", "description": "s3ntinel\x00"}},
    "designation too long": {"data": {"designation": "x" * 1001}},
    "description of 5,001 characters": {"data": {"designation": "x", "description": "x" * 5001}},
    "field over 64 KiB": {"data": {"designation": "x", "description": "x" * 70_000}},
    "designation twice": {"data": {"designation": ["x", "y"]}},
    "image by address": {"data": {"designation": "x", "image_url": "http://s3ntinel/"}},
    "owner": {"data": {"designation": "x", "owner_id": "s3ntinel"}},
    "image as text": {"data": {"designation": "x", "image": "s3ntinel"}},
    "designation as file": {"files": {"designation": ("s3ntinel.txt", b"x")}},
    "unknown model": {"data": {"designation": "x", "model": "s3ntinel"}},
    "two images": {"data": {"designation": "x"}, "files": [("image", b"1"), ("image", b"2")]},
    "json": {"json": {"designation": "x"}},
    "no bytes": {"data": {"designation": "x"}, "files": {"image": ("a.jpg", b"")}},
    "text named jpg": {"data": {"designation": "x"}, "files": {"image": ("a.jpg", b"s3ntinel" * 9)}},
    "svg": {"data": {"designation": "x"}, "files": {"image": ("a.svg", b"<svg onload='s3ntinel()'/>")}},
    "pdf": {"data": {"designation": "x"}, "files": {"image": ("a.jpg", b"%PDF-1.7 s3ntinel")}},
    "zip": {"data": {"designation": "x"}, "files": {"image": ("a.jpg", b"PK\x03\x04s3ntinel")}},
    "half a jpeg": {"data": {"designation": "x"}, "files": {"image": ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF")}},
}


@pytest.mark.parametrize("name", FORMS)
def test_a_hostile_form_is_refused(service: Service, customer: dict[str, str], name: str) -> None:
    request = {"data": {}, **FORMS[name]}
    if "files" not in request and "json" not in request:
        request["files"] = {"image": ("", b"")} if "image" not in request["data"] else None
    answer = service.http.post("/predict", headers=customer, **{k: v for k, v in request.items() if v is not None})
    assert answer.status_code in {400, 422}, answer.text
    assert MARK not in answer.text
    problem(answer)
    assert service.rows(Prediction) == []


def part(name: bytes, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"


WIRE: dict[str, tuple[str, bytes]] = {
    "invalid utf-8": ("multipart/form-data; boundary=b", part(b"designation", b"caf\xe9") + b"--b--\r\n"),
    "invalid utf-8 in a name": ("multipart/form-data; boundary=b", part(b"d\xe9", b"x") + b"--b--\r\n"),
    "surrogate bytes": ("multipart/form-data; boundary=b", part(b"designation", b"\xed\xa0\x80") + b"--b--\r\n"),
    "another charset": (
        "multipart/form-data; boundary=b; charset=utf-16",
        part(b"designation", "é".encode("utf-16")) + b"--b--\r\n",
    ),
    "no boundary": ("multipart/form-data", part(b"designation", b"x") + b"--b--\r\n"),
    "wrong boundary": ("multipart/form-data; boundary=c", part(b"designation", b"x") + b"--b--\r\n"),
    "no name": ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
    "garbage": ("multipart/form-data; boundary=b", b"\x00" * 500),
    "many fields": (
        "multipart/form-data; boundary=b",
        b"".join(part(b"f%d" % n, b"x") for n in range(2000)) + b"--b--\r\n",
    ),
    "urlencoded invalid utf-8": ("application/x-www-form-urlencoded", b"designation=%FF&designation=%00"),
    "cut short": ("multipart/form-data; boundary=b", part(b"designation", b"x")[:-10]),
}


@pytest.mark.parametrize("name", WIRE)
def test_a_form_that_is_broken_on_the_wire_is_refused(service: Service, customer: dict[str, str], name: str) -> None:
    kind, body = WIRE[name]
    answer = service.http.post("/predict", content=body, headers={**customer, "Content-Type": kind})
    assert answer.status_code in {400, 422}, answer.text
    problem(answer)
    assert service.rows(Prediction) == []


@pytest.mark.parametrize(
    "text",
    [
        "‮evil‬",
        "z̸̧̛a̵l̶g̷o̸" * 20,
        "👩‍👩‍👧‍👦🦊",
        "<script>alert(1)</script>",
        "'; DROP TABLE prediction; --",
        '=HYPERLINK("http://x")',
        "NA",
        "null",
        'a "quoted"\r\nline, and another',
        "x" * 1000,
    ],
)
def test_odd_but_legal_text_is_stored_as_sent(service: Service, customer: dict[str, str], text: str) -> None:
    answer = service.http.post("/predict", files={"designation": (None, text.encode())}, headers=customer)
    assert answer.status_code == 201, answer.text
    assert answer.json()["designation"] == text
    (row,) = service.rows(Prediction)
    assert row.designation == text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/predictions/", 404),
        ("GET", "/%2e%2e/etc/passwd", 404),
        ("GET", "/docs/assets/../../app.py", 404),
        ("GET", "/docs/assets/nothing.js", 404),
        ("PUT", "/predictions", 405),
        ("GET", "/token", 405),
        ("TRACE", "/livez", 405),
        ("OPTIONS", "/predict", 405),
    ],
)
def test_the_framework_s_own_refusals_are_problems_too(service: Service, method: str, path: str, status: int) -> None:
    answer = service.http.request(method, path)
    assert answer.status_code == status
    problem(answer)
    assert ("allow" in answer.headers) == (status == 405)


def test_a_mistake_of_ours_is_a_problem_that_says_nothing(
    service: Service, customer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **more: Any) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("api.predictions.routes.list_page", fail)
    answer = service.http.get("/predictions", headers=customer)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert problem(answer)["code"] == "service.mistake"


def test_a_request_keeps_a_decent_id_of_its_own_and_loses_another(service: Service) -> None:
    assert service.http.get("/livez", headers={"X-Request-ID": "order-7.1"}).headers["x-request-id"] == "order-7.1"
    odd = service.http.get("/livez", headers={"X-Request-ID": "a b\x01"}).headers["x-request-id"]
    assert len(odd) == 36


def test_no_log_line_holds_what_people_wrote(
    service: Service, customer: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    service.predict(customer, "s3ntinel")
    service.http.post("/predict", data={"designation": "x", "model": "s3ntinel"}, headers=customer)
    service.http.get("/predictions?cursor=s3ntinel", headers=customer)
    ours = [json.dumps(vars(record), default=str) for record in caplog.records if record.name.startswith("api")]
    assert len(ours) >= 3
    assert not [line for line in ours if MARK in line]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/predictions/x", "DELETE, GET, PATCH"),
        ("/predictions/validate", "POST"),
        ("/token", "POST"),
        ("/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_told_which_it_takes(service: Service, path: str, methods: str) -> None:
    assert service.http.options(path).headers["allow"] == methods
