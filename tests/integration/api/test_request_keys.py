"""Idempotency-Key and If-Match on every route that decides."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from core.db.models import Audit, Outbox, Prediction, RequestKey, Verdict
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem

People = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Route:
    """One deciding request on a product that stands where it starts from."""

    method: str
    path: str
    who: str
    body: dict[str, Any] | None = None
    other: dict[str, Any] | None = None
    """Another content; None where the route takes none."""
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path or '/'} {self.body or ''}".strip()


ROUTES = (
    Route("POST", "/validate", "remy", {"accept": True}, {"accept": False}),
    Route("POST", "/validate", "remy", {"accept": False}, {"accept": False, "reason": "no product"}),
    Route("PATCH", "", "remy", {"prdtypecode": 40}, {"prdtypecode": 2060}),
    Route("POST", "/undo", "remy", {}, {"reason": "too quick"}, ("validate",)),
    Route("POST", "/correct", "ada", {"prdtypecode": 40}, {"prdtypecode": 2060}, ("validate", "ingest")),
    Route("POST", "/retract", "ada", {}, {"reason": "wrong"}, ("validate", "ingest")),
    Route("DELETE", "", "carla", None, None, ("validate", "ingest")),
    Route("DELETE", "", "carla"),
)
every_route = pytest.mark.parametrize("route", ROUTES, ids=str)


@pytest.fixture
def people(customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]) -> People:
    return {"carla": customer, "remy": reviewer, "ada": admin}


@pytest.fixture
def prepare(service: Service, people: People) -> Callable[[Route], str]:
    def _prepare(route: Route) -> str:
        made = service.predict(people["carla"], "a book")["id"]
        if "validate" in route.before:
            service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=people["remy"])
        if "ingest" in route.before:
            loop.ingest_all(service)
        return made

    return _prepare


def send(service: Service, route: Route, an_id: str, headers: dict[str, str], body: dict[str, Any] | None) -> Any:
    path = f"/predictions/{an_id}{route.path}"
    return service.http.request(route.method, path, json=body, headers=headers)


def traces(service: Service) -> dict[str, int]:
    return {table.__tablename__: len(service.rows(table)) for table in (Verdict, Outbox, Audit, Prediction)}


@every_route
def test_sent_again_under_its_name_it_is_answered_and_decides_nothing(
    service: Service, people: People, prepare: Callable[[Route], str], route: Route
) -> None:
    made = prepare(route)
    named = {**people[route.who], "Idempotency-Key": "k-1"}
    first = send(service, route, made, named, route.body)
    assert first.is_success, first.text
    after = traces(service)
    second = send(service, route, made, named, route.body)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers.get("etag") == first.headers.get("etag")
    assert traces(service) == after


@pytest.mark.parametrize("route", [route for route in ROUTES if route.other], ids=str)
def test_another_content_under_the_same_name_is_422(
    service: Service, people: People, prepare: Callable[[Route], str], route: Route
) -> None:
    made = prepare(route)
    named = {**people[route.who], "Idempotency-Key": "k-1"}
    assert send(service, route, made, named, route.body).is_success
    after = traces(service)
    refused = send(service, route, made, named, route.other)
    assert (refused.status_code, problem(refused)["code"]) == (422, "request.idempotency_key_reused")
    assert traces(service) == after


@every_route
def test_a_version_not_seen_is_412_and_so_is_a_copy_of_that_request(
    service: Service, people: People, prepare: Callable[[Route], str], route: Route
) -> None:
    made = prepare(route)
    named = {**people[route.who], "Idempotency-Key": "k-1"}
    before = traces(service)
    stale = send(service, route, made, {**named, "If-Match": '"7"'}, route.body)
    assert (stale.status_code, problem(stale)["code"]) == (412, "review.stale_version")
    version = service.rows(Prediction)[0].version
    copy = send(service, route, made, {**named, "If-Match": f'"{version}"'}, route.body)
    assert (copy.status_code, problem(copy)["detail"]) == (412, problem(stale)["detail"])
    assert traces(service) == before
    again = {**people[route.who], "Idempotency-Key": "k-2", "If-Match": f'"{version}"'}
    assert send(service, route, made, again, route.body).is_success


def test_a_refused_request_that_arrives_once_more_when_it_could_be_granted_is_still_refused(
    service: Service, people: People, prepare: Callable[[Route], str]
) -> None:
    correct = Route("POST", "/correct", "ada", {"prdtypecode": 40}, before=("validate",))
    made = prepare(correct)
    named = {**people["ada"], "Idempotency-Key": "k-1"}
    first = send(service, correct, made, named, correct.body)
    assert (first.status_code, problem(first)["code"]) == (409, "review.not_ingested")
    loop.ingest_all(service)
    late = send(service, correct, made, named, correct.body)
    assert {**problem(late), "request_id": ""} == {**problem(first), "request_id": ""}
    assert service.rows(Prediction)[0].status == "ingested"
    assert send(service, correct, made, {**named, "Idempotency-Key": "k-2"}, correct.body).is_success


def test_a_request_without_a_right_to_be_made_leaves_its_name_free(service: Service, people: People) -> None:
    made = service.predict(people["carla"], "a book")["id"]
    named = {**people["remy"], "Idempotency-Key": "k-1"}
    refused = service.http.patch(f"/predictions/{made}", json={"prdtypecode": 7}, headers=named)
    assert refused.status_code == 422
    assert service.rows(RequestKey) == []


def test_a_name_is_its_owner_s_alone(service: Service, people: People) -> None:
    made = [service.predict(people["carla"], f"a book {n}")["id"] for n in range(2)]
    for one, who in zip(made, ("remy", "ada"), strict=True):
        named = {**people[who], "Idempotency-Key": "k-1"}
        answer = service.http.post(f"/predictions/{one}/validate", json={"accept": True}, headers=named)
        assert answer.status_code == 200
    assert len(service.rows(Verdict)) == 2


def test_the_same_name_for_another_product_is_422(service: Service, people: People) -> None:
    made = [service.predict(people["carla"], f"a book {n}")["id"] for n in range(2)]
    named = {**people["remy"], "Idempotency-Key": "k-1"}
    answers = [
        service.http.post(f"/predictions/{one}/validate", json={"accept": True}, headers=named).status_code
        for one in made
    ]
    assert answers == [200, 422]


def test_an_answer_to_a_repeated_request_tells_how_things_stand_now(service: Service, people: People) -> None:
    made = service.predict(people["carla"], "a book")["id"]
    named = {**people["remy"], "Idempotency-Key": "k-1"}
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=named)
    service.http.post(f"/predictions/{made}/undo", headers=people["remy"])
    late = service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=named)
    assert (late.status_code, late.json()["status"], late.json()["version"]) == (200, "pending", 3)


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "é"])
def test_a_name_that_cannot_be_one_is_422(service: Service, people: People, key: str) -> None:
    made = service.predict(people["carla"], "a book")["id"]
    headers = {**people["remy"], "Idempotency-Key": key.encode()}
    answer = service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=headers)
    assert answer.status_code == 422
    problem(answer)


def test_the_same_request_at_once_from_many_connections_decides_once_and_tells_all(
    service: Service, people: People
) -> None:
    made = service.predict(people["carla"], "a book")["id"]
    named = {**people["remy"], "Idempotency-Key": "k-1"}
    together = threading.Barrier(6)
    answers: list[tuple[int, int]] = []

    def decide() -> None:
        together.wait()
        answer = service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=named)
        answers.append((answer.status_code, answer.json().get("version", 0)))

    threads = [threading.Thread(target=decide) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(200, 2)] * 6
    assert len(service.rows(Verdict)) == len(service.rows(Outbox)) == 1
