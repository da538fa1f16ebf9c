"""The client against a service in miniature: tokens that expire, refusals, lost connections."""

import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from client import Decision, EtalonClient, ProblemError
from tests.unit.client.miniature import PREDICTION, Service, problem


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


@pytest.mark.parametrize(
    "decide",
    [
        lambda client: client.validate("0198"),
        lambda client: client.reject("0198"),
        lambda client: client.modify("0198", 40),
        lambda client: client.undo("0198"),
        lambda client: client.correct("0198", 40),
        lambda client: client.retract("0198"),
        lambda client: client.delete("0198"),
    ],
)
def test_a_lost_decision_is_repeated_under_the_same_name(connect: Any, decide: Callable[[EtalonClient], Any]) -> None:
    service = Service(httpx.ReadTimeout("lost"))
    decide(connect(service))
    first, second = service.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.content == second.content


def test_two_decisions_have_two_names_and_one_may_be_given(connect: Any) -> None:
    service = Service()
    client = connect(service)
    for key in (None, None, "mine"):
        client.validate("0198", idempotency_key=key)
    names = [request.headers["idempotency-key"] for request in service.requests]
    assert len(set(names)) == 3
    assert names[2] == "mine"


def test_a_version_is_sent_as_a_condition(connect: Any) -> None:
    service = Service()
    client = connect(service)
    client.retract("0198", version=4)
    client.undo("0198")
    assert service.requests[0].headers["if-match"] == '"4"'
    assert "if-match" not in service.requests[1].headers


def test_several_decisions_are_one_request(connect: Any) -> None:
    service = Service(body={"items": [PREDICTION, PREDICTION]})
    done = connect(service).validate_all([Decision("0198"), Decision("0199", accept=False, version=2)], reason="why")
    assert len(done) == 2
    assert json.loads(service.requests[0].content) == {
        "items": [{"id": "0198", "accept": True}, {"id": "0199", "accept": False, "version": 2}],
        "reason": "why",
    }


def test_a_delete_says_whether_anything_is_left(connect: Any) -> None:
    client = connect(Service(httpx.Response(204), httpx.Response(202)))
    assert [client.delete("0198"), client.delete("0199")] == [True, False]


def test_nothing_to_review_is_none(connect: Any) -> None:
    service = Service(httpx.Response(204), body={**PREDICTION, "leased_until": "2026-11-21T10:00:00Z"})
    client = connect(service)
    assert client.next_to_review() is None
    lease = client.next_to_review(order="oldest")
    assert lease is not None
    assert (lease.prediction.id, lease.leased_until.hour) == ("0198", 10)
    assert service.requests[1].url.params["order"] == "oldest"


def test_a_take_back_needs_times_with_a_zone(connect: Any) -> None:
    moment = datetime.fromisoformat("2026-11-01T00:00:00")
    with pytest.raises(ValueError, match="time zone"):
        connect(Service()).take_back("remy", since=moment, until=moment)


def test_a_rejection_sends_no_code(connect: Any) -> None:
    service = Service()
    connect(service).reject("0198", reason="blurred")
    assert json.loads(service.requests[0].content) == {"accept": False, "reason": "blurred"}


def test_every_page_of_a_listing_is_read(connect: Any) -> None:
    service = Service(httpx.Response(200, json={"items": [PREDICTION], "next_cursor": "more"}))
    service.body = {"items": [PREDICTION, PREDICTION], "next_cursor": None}
    assert len(list(connect(service).every_prediction(status="pending"))) == 3
    assert service.requests[1].url.params["cursor"] == "more"
