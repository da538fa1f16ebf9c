"""What the real process writes down: of every request its id and the model, and nothing that anybody sent."""

import json
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from client import EtalonClient, ProblemError
from core.settings import DatabaseSettings
from tests.api.people import PASSWORD, bearer
from tests.api.service import Etalon, free_port
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database

METHODS = ("get", "post", "patch", "delete", "put")


class Words:
    """Words that stand nowhere else; each is handed out once, so that a finding names its place."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.places: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        word = f"zq{next(self._numbers):04}kx"
        self.places[word] = place
        return word

    def keep(self, secret: str, place: str) -> str:
        """A secret that the service made."""
        self.places[secret] = place
        return secret

    def found_in(self, log: str) -> list[str]:
        lower = log.lower()
        return sorted(place for word, place in self.places.items() if word.lower() in lower)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def etalon(tmp_path: Path, database: DatabaseSettings, photo: bytes) -> Iterator[Etalon]:
    changes = {"SERVING_LOG_LEVEL": "DEBUG", "SERVING_METRICS_PORT": str(free_port()), "PYTHONWARNINGS": "default"}
    with Etalon(tmp_path, database, photo, changes) as place:
        yield place


def lines_of(etalon: Etalon) -> list[dict[str, Any]]:
    return [json.loads(line) for line in etalon.log.read_text(encoding="utf-8").splitlines()]


def test_nothing_that_anybody_sends_reaches_the_log(etalon: Etalon, words: Words, tmp_path: Path) -> None:
    words.keep(etalon.key, "the signing key")
    sent = [
        *a_day_of_people(etalon, words),
        *every_route_with_words_everywhere(etalon, words),
        *broken_forms(etalon, words),
    ]
    broken_connections(etalon, words)
    without_a_database(etalon, words)
    etalon.stop()
    log = etalon.log.read_text(encoding="utf-8")
    assert words.found_in(log) == []
    served = [line for line in lines_of(etalon) if line["event"] == "request.served"]
    assert len(served) >= len(sent) > 100
    assert any("database.unavailable" in line["event"] for line in lines_of(etalon))


def test_every_line_of_a_request_names_it_and_the_model(etalon: Etalon) -> None:
    caller = etalon.hire("customer")
    for _ in range(3):
        etalon.predict(caller)
    etalon.http.get("/no/such/thing", headers={"X-Request-ID": "mine-1"})
    etalon.stop()
    lines = lines_of(etalon)
    served = [line for line in lines if line["event"] == "request.served" and line["route"] == "/predict"]
    assert len(served) == 3
    assert {line["model_version"] for line in served} == {etalon.model}
    ready = next(number for number, line in enumerate(lines) if line["event"] == "release.served")
    of_requests = [line for line in lines[ready:] if "request_id" in line]
    assert all("model_version" in line for line in of_requests)
    assert "mine-1" in {line["request_id"] for line in of_requests}
    assert {"at", "level", "logger", "event"} <= set.intersection(*(set(line) for line in lines))


def a_day_of_people(etalon: Etalon, words: Words) -> list[int]:
    """Everything that goes well, with the client that a shop would use."""
    password, username = words("a password"), words("a name")
    with EtalonClient(etalon.url) as anybody:
        anybody.register(username, f"{password} of mine")
    shop = EtalonClient(etalon.url, username, f"{password} of mine")
    made = shop.predict(
        f"a book {words('a title')}", words("a description"), etalon.photo, idempotency_key=words("a key")
    )
    shop.give_feedback(made.id, "disputed", reason=words("feedback"))
    key = shop.make_key(words("a key's name"))
    with EtalonClient(etalon.url, api_key=words.keep(key.secret, "an API key")) as server:
        for number in range(20):
            server.predict(f"{words('a title')} {number}")
        with server.export(status="pending") as chunks:
            assert sum(map(len, chunks)) > 0
    remy = etalon.hire("reviewer")
    token = words.keep(remy.headers["Authorization"].removeprefix("Bearer "), "a token")
    reviewer = httpx.Client(base_url=etalon.url, headers=bearer(token))
    reasons = [{"accept": accept, "reason": words("a reason")} for accept in (True, False)]
    answers = [reviewer.get("/review/next"), reviewer.post(f"/predictions/{made.id}/validate", json=reasons[0])]
    answers += [reviewer.post(f"/predictions/{made.id}/undo", json={"reason": words("a reason")})]
    answers += [reviewer.post(f"/predictions/{made.id}/validate", json=reasons[1])]
    admin = httpx.Client(base_url=etalon.url, headers=etalon.hire("admin").headers)
    answers += [admin.post("/retrain", json={"reason": words("a reason")})]
    answers += [admin.get("/admin/users", params={"text": username})]
    assert [answer.status_code < 300 for answer in answers] == [True] * len(answers)
    answers += [etalon.http.post("/token", data={"username": username, "password": words("a wrong password")})]
    shop.change_password(f"{password} of mine", f"{words('a new password')} of mine")
    shop.delete_me()
    for one in (shop, reviewer, admin):
        one.close()
    return [answer.status_code for answer in answers] + [201] * 20


def every_route_with_words_everywhere(etalon: Etalon, words: Words) -> list[int]:
    """Every operation of the OpenAPI document, with a word in each place that it declares, and in some it does not."""
    document = etalon.http.get("/openapi.json").json()
    headers = [etalon.hire(role).headers for role in ("customer", "admin")]
    statuses = []
    for path, operations in document["paths"].items():
        for method in set(operations) & set(METHODS):
            for who in headers:
                statuses += [
                    one.status_code for one in _with_words(etalon, words, path, method, operations[method], who)
                ]
    assert not [status for status in statuses if status >= 500]
    return statuses


def _with_words(
    etalon: Etalon, words: Words, path: str, method: str, operation: dict[str, Any], who: dict[str, str]
) -> Iterator[httpx.Response]:
    place = f"{method} {path}"
    query = {
        one["name"]: words(f"{place} {one['name']}") for one in operation.get("parameters", ()) if one["in"] == "query"
    }
    url = "/".join(words(f"{place} {part}") if part.startswith("{") else part for part in path.split("/"))
    headers = {
        **who,
        "Idempotency-Key": words(f"{place} Idempotency-Key"),
        "If-Match": words(f"{place} If-Match"),
        "User-Agent": words(f"{place} User-Agent"),
        "Referer": words(f"{place} Referer"),
        "Cookie": f"session={words(f'{place} Cookie')}",
        "X-Request-ID": f"{words(f'{place} X-Request-ID')} with a space",
    }
    if path == "/token":
        del headers["Authorization"]
    fields = ("username", "password", "reason", "name", "designation", "kind", "old_password", "new_password", "role")
    body = {name: words(f"{place} {name}") for name in (*fields, words(f"{place} a field's name"))}
    send = etalon.http.request
    yield send(method, url, params=query, headers=headers)
    yield send(
        method, url, headers={**headers, words(f"{place} a header's name"): words(f"{place} a header")}, json=body
    )
    yield send(method, url, headers=headers, data=body)
    yield send(method, f"{url}/{words(f'{place} a longer path')}", headers=headers, content=words(f"{place} no JSON"))
    yield send(method, url, headers={"Authorization": f"Bearer {words(f'{place} no token')}"})


def broken_forms(etalon: Etalon, words: Words) -> list[int]:
    """What form parsers and image libraries complain of."""
    headers = etalon.hire("customer").headers
    edge = "--x\r\n"
    part = f'Content-Disposition: form-data; name="designation"\r\n\r\n{words("a form field")}\r\n'
    bodies = [
        edge + part + "--x--\r\n" + words("after the last boundary"),
        edge + part,
        edge + f"{words('a part header without a colon')}\r\n\r\n",
        words("before the first boundary") + edge + part + "--x--",
        edge + part + edge + part + "--x--",
    ]
    kinds = {"Content-Type": "multipart/form-data; boundary=x"}
    answers = [etalon.http.post("/predict", headers=headers | kinds, content=body) for body in bodies]
    answers += [
        etalon.http.post("/predict", headers=headers | {"Content-Type": kind}, content=b"--")
        for kind in (f"multipart/form-data; boundary={words('a boundary')}", f"text/{words('a content type')}")
    ]
    comment = words("a photo's comment").encode()
    for data in (
        etalon.photo[:200] + comment,
        comment * 20,
        etalon.photo + comment,
        b"GIF89a" + comment,
        b"RIFF" + comment,
    ):
        files = {"image": (f"{words('a file name')}.jpg", data)}
        answers.append(etalon.http.post("/predict", headers=headers, data={"designation": "a book"}, files=files))
    return [answer.status_code for answer in answers]


def broken_connections(etalon: Etalon, words: Words) -> None:
    """What is no HTTP, or stops in the middle."""
    for request in (
        f"{words('no HTTP')}\r\n\r\n",
        f"GET /{words('a path')} HTTP/1.1\r\nHost: x\r\n{words('a header without a colon')}\r\n\r\n",
        f"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: {words('a length')}\r\n\r\n",
        f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{words('a body that stops')}",
        f"POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{words('no chunk')}\r\n",
    ):
        with socket.create_connection(("127.0.0.1", etalon.port), timeout=10) as connection:
            connection.sendall(request.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def without_a_database(etalon: Etalon, words: Words) -> None:
    """Drivers' errors repeat statements and their values."""
    caller = etalon.hire("customer")
    with etalon.engine.begin() as connection:
        connection.execute(text("ALTER TABLE prediction RENAME TO prediction_gone"))
    for _ in range(2):
        form = {"designation": words("a title that cannot be stored"), "description": words("a description")}
        answer = etalon.http.post("/predict", headers=caller.headers, data=form)
        assert answer.status_code == 503, answer.text
    with EtalonClient(etalon.url, caller.username, PASSWORD, attempts=1) as client, pytest.raises(ProblemError):
        client.predict(words("a title"))
