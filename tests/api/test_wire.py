"""Bytes that no library sends: refused or read as the standard says, never as two requests where one was meant."""

import socket
import time
from contextlib import ExitStack

import httpx
import pytest

from tests.api.conftest import Target
from tests.api.refusals import nothing_done
from tests.api.wire import converse

_HOST = b"Host: etalon\r\n"
_GET = b"GET /livez HTTP/1.1\r\n" + _HOST

REFUSED: dict[str, bytes] = {
    "a NUL in the path": b"GET /\x00 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "a blank in the path": b"GET /predictions /x HTTP/1.1\r\n" + _HOST + b"\r\n",
    "bytes beyond ASCII in the path": "GET /prédictions HTTP/1.1\r\n".encode() + _HOST + b"\r\n",
    "a NUL in a header": _GET + b"X-Request-ID: a\x00b\r\n\r\n",
    "a carriage return in a header": _GET + b"X-Request-ID: a\rb\r\n\r\n",
    "a blank before the colon": _GET + b"Content-Length : 5\r\n\r\nhello",
    "a header without a colon": _GET + b"nonsense\r\n\r\n",
    "a header without a name": _GET + b": x\r\n\r\n",
    "a header that starts with a blank": b"GET /livez HTTP/1.1\r\n X: y\r\n" + _HOST + b"\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": _GET + b"Host: other\r\n\r\n",
    "a method with brackets": b"G(T /livez HTTP/1.1\r\n" + _HOST + b"\r\n",
    "no method": b" /livez HTTP/1.1\r\n" + _HOST + b"\r\n",
    "no version": b"GET /livez\r\n\r\n",
    "a version that is none": b"GET /livez HTTP/x.y\r\n" + _HOST + b"\r\n",
    "a TLS greeting": bytes.fromhex("16030100c8010000c40303") + bytes(200) + b"\r\n\r\n",
    "a greeting of SSH": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nothing but ends of lines": b"\r\n\r\n\r\n\r\n",
    "noise": bytes(range(256)) * 8 + b"\r\n\r\n",
}
"""Heads that are no HTTP/1.1."""

_POST = b"POST /token HTTP/1.1\r\n" + _HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
_LENGTHS = (b"+5", b"-1", b"5 5", b"5, 6", b"0x5", b"5.0", b"five", b"\xd9\xa5", b"9" * 30, b"")
_CODINGS = (b"xchunked", b"chunked, chunked", b"gzip, chunked", b"identity", b"chunked, identity", b"\x0bchunked", b",")
FRAMES: dict[str, bytes] = {
    **{f"Content-Length: {length!r}": _POST + b"Content-Length: " + length + b"\r\n\r\nhello" for length in _LENGTHS},
    **{f"Transfer-Encoding: {one!r}": _POST + b"Transfer-Encoding: " + one + b"\r\n\r\n0\r\n\r\n" for one in _CODINGS},
    "two lengths": _POST + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
    "two codings": _POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a chunk without a size": _POST + b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
    "a chunk of minus one": _POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n",
    "a chunk of 0x5": _POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk of 2⁸⁰": _POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"F" * 21 + b"\r\nhello\r\n0\r\n\r\n",
    "a chunk that is longer than it says": _POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
    "chunked and a length": _POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length and chunked": _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "chunked under HTTP/1.0": _POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}
"""Bodies whose end could be read in two ways, or in none."""


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in REFUSED.items()])
def test_what_is_no_http_is_refused_and_hung_up_on(target: Target, data: bytes) -> None:
    with nothing_done(target.etalon):
        heard = converse(target.etalon.port, data)
    assert heard.closed
    assert len(heard.answers) <= 1
    assert set(heard.statuses) <= {400, 414, 431}
    require_alive(target)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in FRAMES.items()])
def test_a_body_without_one_certain_end_hides_no_second_request(target: Target, data: bytes) -> None:
    """Whatever follows such a body is not read: a proxy in front may have seen its end somewhere else."""
    with nothing_done(target.etalon):
        heard = converse(target.etalon.port, data + _GET + b"\r\n")
    assert heard.closed
    assert len(heard.answers) <= 1
    assert set(heard.statuses) <= {400, 401, 408, 411, 413, 415, 422}
    require_alive(target)


ODD: dict[str, tuple[bytes, set[int]]] = {
    "an address for a path": (b"GET http://elsewhere/livez HTTP/1.1\r\n", {200, 400, 404}),
    "a star": (b"OPTIONS * HTTP/1.1\r\n", {400, 404, 405}),
    "a tunnel": (b"CONNECT elsewhere:443 HTTP/1.1\r\n", {400, 404, 405}),
    "a trace": (b"TRACE /livez HTTP/1.1\r\nX-Secret: s3ntinel\r\n", {405}),
    "a method of its own": (b"FOO-BAR /livez HTTP/1.1\r\n", {405}),
    "a long method": (b"A" * 10_000 + b" /livez HTTP/1.1\r\n", {400, 405}),
    "a small method": (b"get /livez HTTP/1.1\r\n", {400, 405}),
    "two slashes": (b"GET //livez HTTP/1.1\r\n", {404}),
    "a dot": (b"GET /./livez HTTP/1.1\r\n", {404}),
    "up": (b"GET /docs/assets/../../../etc/passwd HTTP/1.1\r\n", {404}),
    "up, encoded": (b"GET /docs/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n", {404}),
    "a path's parameters": (b"GET /livez;x=1 HTTP/1.1\r\n", {404}),
    "a fragment": (b"GET /livez#x HTTP/1.1\r\n", {200, 400, 404}),
    "no path": (b"GET ?x=1 HTTP/1.1\r\n", {200, 400, 404}),
    "an unknown expectation": (b"GET /livez HTTP/1.1\r\nExpect: s3ntinel\r\n", {200, 400, 417}),
    "a websocket": (
        b"GET /livez HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n",
        {200, 400, 426},
    ),
    "HTTP/2 by upgrade": (
        b"GET /livez HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
        {200, 400},
    ),
    "a range": (b"GET /livez HTTP/1.1\r\nRange: bytes=0-,0-,0-,0-\r\n", {200}),
    "a path of 64 KiB": (b"GET /" + b"a" * 65_536 + b" HTTP/1.1\r\n", {400, 404, 414}),
    "a query of 64 KiB": (b"GET /predictions?cursor=" + b"a" * 65_536 + b" HTTP/1.1\r\n", {400, 401, 414}),
    "a header of 64 KiB": (b"GET /livez HTTP/1.1\r\nX: " + b"a" * 65_536 + b"\r\n", {200, 400, 431}),
    "10,000 headers": (b"GET /livez HTTP/1.1\r\n" + b"X-Y: z\r\n" * 10_000, {200, 400, 431}),
    "HTTP/2 with prior knowledge": (b"PRI * HTTP/2.0\r\n", {400, 404, 405, 505}),
    "300 MB to come": (b"POST /predict HTTP/1.1\r\nContent-Length: 314572800\r\n", {401, 413}),
    "300 MB to come for a sign-in": (b"POST /token HTTP/1.1\r\nContent-Length: 314572800\r\n", {413}),
}
"""Requests that are legal or nearly so, with the answers that they may get."""


@pytest.mark.parametrize(("head", "statuses"), [pytest.param(*case, id=name) for name, case in ODD.items()])
def test_an_odd_request_gets_one_plain_answer(target: Target, head: bytes, statuses: set[int]) -> None:
    with nothing_done(target.etalon):
        heard = converse(target.etalon.port, head + _HOST + b"\r\n")
    assert len(heard.answers) == 1
    assert heard.statuses[0] in statuses
    assert b"s3ntinel" not in heard.answers[0].body
    require_alive(target)


def test_fifty_requests_in_one_packet_get_fifty_answers_in_order(target: Target) -> None:
    requests = [b"GET /livez HTTP/1.1\r\n" + _HOST + b"X-Request-ID: n%d\r\n\r\n" % n for n in range(50)]
    heard = converse(target.etalon.port, b"".join(requests))
    assert heard.statuses == [200] * 50
    assert [answer.headers["x-request-id"] for answer in heard.answers] == [f"n{n}" for n in range(50)]


def test_a_broken_request_after_a_good_one_ends_the_connection(target: Target) -> None:
    heard = converse(target.etalon.port, _GET + b"\r\n" + b"\x00\x01\x02\r\n\r\n" + _GET + b"\r\n")
    assert heard.closed
    assert heard.statuses in ([200], [200, 400])


def test_a_body_that_goes_on_past_its_limit_is_cut_off(target: Target) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    token = target.admin.headers["Authorization"].encode()
    head = b"POST /predict HTTP/1.1\r\n" + _HOST + b"Authorization: " + token + b"\r\nTransfer-Encoding: chunked\r\n"
    with nothing_done(target.etalon):
        kind = b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        opening = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        first = b"%x\r\n%b\r\n" % (len(opening), opening)
        heard = converse(target.etalon.port, head + kind + first, *[chunk] * 400)
    assert heard.closed
    assert heard.statuses in ([413], [])  # a client that goes on sending may not see the answer


def test_a_client_that_leaves_in_the_middle_leaves_nothing(target: Target) -> None:
    token = target.admin.headers["Authorization"].encode()
    head = b"POST /predict HTTP/1.1\r\n" + _HOST + b"Authorization: " + token + b"\r\nContent-Length: 5000\r\n"
    with nothing_done(target.etalon):
        for sent in (head[:40], head + b"\r\n", head + b"\r\nhalf a body"):
            with socket.create_connection(("127.0.0.1", target.etalon.port)) as connection:
                connection.sendall(sent)
        require_alive(target)


def test_two_hundred_who_never_finish_a_request_keep_nobody_else_waiting(target: Target) -> None:
    token = target.admin.headers["Authorization"].encode()
    slow_heads = [b"GET /livez HTTP/1.1\r\nX-Slow: ", b"POST /predict HTTP/1.1\r\n" + _HOST]
    slow_body = b"POST /predict HTTP/1.1\r\n" + _HOST + b"Authorization: " + token + b"\r\nContent-Length: 500\r\n\r\n-"
    with ExitStack() as kept, nothing_done(target.etalon):
        for n in range(200):
            connection = kept.enter_context(socket.create_connection(("127.0.0.1", target.etalon.port)))
            connection.sendall([*slow_heads, slow_body][n % 3])
        time.sleep(0.2)
        answer = httpx.get(f"{target.etalon.url}/predictions", headers=target.admin.headers, timeout=10.0)
        assert answer.status_code == 200
    require_alive(target)


def require_alive(target: Target) -> None:
    assert target.etalon.http.get("/livez").status_code == 200
