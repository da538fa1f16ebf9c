"""The client against a service in miniature: tokens that expire, refusals, lost connections."""

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client import EtalonClient, ProblemError
from client.__main__ import main

PREDICTION = {
    "id": "0198",
    "designation": "Piscine gonflable",
    "description": None,
    "has_image": False,
    "modality": "text-only",
    "prdtypecode": 2583,
    "suggested_code": 2583,
    "label": "Pool",
    "theme": "Garden",
    "confidence": 0.91,
    "top_k": [{"prdtypecode": 2583, "label": "Pool", "theme": "Garden", "confidence": 0.91}],
    "experts": {"lexical": [{"prdtypecode": 2583, "confidence": 0.8}]},
    "model": {"name": "fusion", "version": "ab" * 32, "epoch": 3},
    "taxonomy_version": "0123456789ab",
    "status": "pending",
    "version": 1,
    "a_field_from_the_future": True,
}
Answer = httpx.Response | Exception


class Service(httpx.BaseTransport):
    """Gives out numbered tokens, accepts the newest, and answers other requests from a script, then with 200."""

    def __init__(self, *script: Answer, body: Any = PREDICTION) -> None:
        self.script = list(script)
        self.body = body
        self.requests: list[httpx.Request] = []
        self.tokens = 0
        self.valid = ""
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self._lock:
            if request.url.path == "/token":
                if b"password=right" not in request.content:
                    return problem(401, "auth.bad_credentials")
                self.tokens += 1
                self.valid = f"token-{self.tokens}"
                return httpx.Response(200, json={"access_token": self.valid, "token_type": "bearer"})
            self.requests.append(request)
            if request.headers["authorization"] != f"Bearer {self.valid}":
                return problem(401, "auth.invalid_token")
            answer = self.script.pop(0) if self.script else httpx.Response(200, json=self.body)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    document = {"title": "Refused", "status": status, "code": code, "detail": "said why", "request_id": "r-1"}
    return httpx.Response(status, json=document, headers=headers)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def connect(waits: list[float]) -> Callable[[Service], EtalonClient]:
    def _connect(service: Service, password: str = "right") -> EtalonClient:
        return EtalonClient("http://service", "ann", password, transport=service, sleep=waits.append)

    return _connect


def test_a_prediction_is_typed_and_ignores_fields_it_does_not_know(connect: Any) -> None:
    prediction = connect(Service()).predict("Piscine gonflable")
    assert prediction.model.epoch == 3
    assert prediction.top_k[0].label == "Pool"
    assert prediction.experts["lexical"] == ((2583, 0.8),)


def test_an_expired_token_is_renewed_and_the_request_sent_again(connect: Any) -> None:
    service = Service()
    client = connect(service)
    client.predict("a", image=b"photo")
    service.valid = "nobody has this one"
    client.predict("b", image=b"photo")
    assert service.tokens == 2
    assert [b"photo" in request.content for request in service.requests] == [True, True, True]


def test_many_threads_refused_at_once_fetch_one_new_token(connect: Any) -> None:
    service = Service()
    client = connect(service)
    client.predict("first")
    service.valid = "expired"
    service.tokens = 10
    threads = [threading.Thread(target=client.predict, args=("again",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert service.tokens == 11


def test_a_wrong_password_is_a_problem_and_not_asked_again(connect: Any) -> None:
    with pytest.raises(ProblemError) as raised:
        connect(Service(), password="wrong").predict("a")
    assert (raised.value.status, raised.value.code) == (401, "auth.bad_credentials")


def test_a_refusal_carries_the_problem_document(connect: Any) -> None:
    with pytest.raises(ProblemError) as raised:
        connect(Service(problem(409, "review.not_pending"))).validate("0198")
    assert raised.value.code == "review.not_pending"
    assert raised.value.request_id == "r-1"
    assert "said why" in str(raised.value)


def test_an_answer_that_is_no_problem_document_is_still_a_problem(connect: Any) -> None:
    with pytest.raises(ProblemError) as raised:
        connect(Service(httpx.Response(502, text="<html>bad gateway</html>"))).champion()
    assert (raised.value.status, raised.value.code) == (502, "")


def test_an_overloaded_service_is_asked_again_when_it_says(connect: Any, waits: list[float]) -> None:
    service = Service(problem(503, "service.overloaded", **{"Retry-After": "2"}))
    connect(service).validate("0198")
    assert waits == [2.0]
    assert len(service.requests) == 2


def test_a_service_that_stays_overloaded_is_given_up_on(connect: Any, waits: list[float]) -> None:
    with pytest.raises(ProblemError):
        connect(Service(*[problem(503, "service.overloaded")] * 9)).validate("0198")
    assert len(waits) == 4


def test_a_lost_prediction_is_repeated_under_the_same_idempotency_key(connect: Any) -> None:
    service = Service(httpx.ReadTimeout("lost"))
    connect(service).predict("a")
    first, second = (request.headers["idempotency-key"] for request in service.requests)
    assert first == second


def test_a_lost_verdict_is_not_repeated(connect: Any) -> None:
    service = Service(httpx.ReadTimeout("lost"))
    with pytest.raises(httpx.ReadTimeout):
        connect(service).validate("0198")
    assert len(service.requests) == 1


def test_a_rejection_sends_no_code(connect: Any) -> None:
    service = Service()
    connect(service).reject("0198", reason="blurred")
    assert json.loads(service.requests[0].content) == {"accept": False, "reason": "blurred"}


def test_every_page_of_a_listing_is_read(connect: Any) -> None:
    service = Service(httpx.Response(200, json={"items": [PREDICTION], "next_cursor": "more"}))
    service.body = {"items": [PREDICTION, PREDICTION], "next_cursor": None}
    assert len(list(connect(service).every_prediction(status="pending"))) == 3
    assert service.requests[1].url.params["cursor"] == "more"


def test_the_command_prints_the_answer_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ETALON_USER", "ann")
    monkeypatch.setenv("ETALON_PASSWORD", "right")
    assert main(["predict", "Piscine gonflable"], transport=Service()) == 0
    assert json.loads(capsys.readouterr().out) == PREDICTION


def test_the_command_says_which_credential_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ETALON_USER", "ETALON_PASSWORD", "ETALON_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["champion"], transport=Service()) == 1
    assert "ETALON_USER" in capsys.readouterr().err
