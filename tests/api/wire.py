"""A client that sends exactly the bytes it is told to, and reads whatever comes back."""

import contextlib
import socket
from dataclasses import dataclass

_PATIENCE_S = 20.0  # for the first byte of an answer, on a busy machine
_SILENCE_S = 0.25  # after an answer: nothing more is coming


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, its headers in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that came back on a connection, and whether the other side closed it."""

    answers: tuple[Answer, ...]
    closed: bool

    @property
    def statuses(self) -> list[int]:
        """Of the answers, in order."""
        return [answer.status for answer in self.answers]


def converse(port: int, *sent: bytes) -> Heard:
    """Send some bytes, one write after the other, and listen until the service has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # it may have heard enough before everything was said
            for data in sent:
                connection.sendall(data)
        raw, closed = _listen(connection)
    return Heard(tuple(_parse(raw)), closed)


def _listen(connection: socket.socket) -> tuple[bytes, bool]:
    heard = b""
    while True:
        try:
            data = connection.recv(65536)
        except TimeoutError:
            return heard, False
        except ConnectionError:
            return heard, True
        if not data:
            return heard, True
        heard += data
        connection.settimeout(_SILENCE_S)


def _parse(raw: bytes) -> list[Answer]:
    answers = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 "), f"no answer at all: {head[:200]!r}"
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body, raw = _body(headers, raw)
        status = int(first.split(" ", 2)[1])
        if status >= 200:  # 100 Continue is no answer
            answers.append(Answer(status, headers, body))
    return answers


def _body(headers: dict[str, str], raw: bytes) -> tuple[bytes, bytes]:
    """The body at the beginning of ``raw``, and what follows it."""
    if headers.get("transfer-encoding") != "chunked":
        length = int(headers.get("content-length", len(raw)))  # without one, the connection's end is the body's
        return raw[:length], raw[length:]
    body = b""
    while True:
        size, _, raw = raw.partition(b"\r\n")
        length = int(size, 16)
        body, raw = body + raw[:length], raw[length + 2 :]
        if length == 0:
            return body, raw
