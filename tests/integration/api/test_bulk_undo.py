"""POST /predictions/undo: up to 200 verdicts taken back, all or none."""

from typing import Any

import pytest

from core.db.models import Outbox, Prediction, Verdict
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def decided(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> list[str]:
    """Four products of one category, accepted at once but for the last, which is rejected."""
    made = [service.predict(customer, f"a book {n}")["id"] for n in range(4)]
    items = [{"id": one, "accept": one != made[3]} for one in made]
    assert service.http.post("/predictions/validate", json={"items": items}, headers=reviewer).status_code == 200
    return made


def undo(service: Service, headers: dict[str, str], *items: dict[str, Any], **more: Any) -> Any:
    return service.http.post("/predictions/undo", json={"items": list(items), **more}, headers=headers)


def states(service: Service) -> dict[str, tuple[str, int]]:
    return {row.id: (row.status, row.version) for row in service.rows(Prediction)}


def test_every_verdict_is_taken_back_and_answered_in_the_order_sent(
    service: Service, reviewer: dict[str, str], decided: list[str]
) -> None:
    a, b, c, d = decided
    answer = undo(service, reviewer, {"id": d}, {"id": a, "version": 2}, {"id": c}, {"id": b}, reason="wrong shelf")
    assert answer.status_code == 200, answer.text
    found = [(item["id"], item["status"], item["version"]) for item in answer.json()["items"]]
    assert found == [(one, "pending", 3) for one in (d, a, c, b)]
    assert service.rows(Outbox) == []
    assert [row.reason for row in service.rows(Verdict) if row.action == "undo"] == ["wrong shelf"] * 4


def test_one_that_a_batch_has_claimed_leaves_all_as_they_are_and_is_named(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], decided: list[str]
) -> None:
    loop.ingest_all(service)
    later = service.predict(customer, "a late book")["id"]
    service.http.post(f"/predictions/{later}/validate", json={"accept": True}, headers=reviewer)
    before = states(service)
    answer = undo(service, reviewer, {"id": later}, {"id": decided[0]})
    document = problem(answer)
    assert (answer.status_code, document["code"]) == (409, "review.already_claimed")
    assert document["errors"][0]["loc"] == ["body", "items", 1]
    assert states(service) == before


@pytest.mark.parametrize(
    ("item", "status", "code"),
    [
        ({"id": UNKNOWN}, 404, "prediction.not_found"),
        ({"version": 1}, 412, "review.stale_version"),
    ],
)
def test_the_refusal_of_one_item_is_that_of_the_single_route(
    service: Service, reviewer: dict[str, str], decided: list[str], item: dict[str, Any], status: int, code: str
) -> None:
    answer = undo(service, reviewer, {"id": decided[0]}, {"id": decided[1], **item})
    document = problem(answer)
    assert (answer.status_code, document["code"]) == (status, code)
    assert document["errors"][0]["loc"] == ["body", "items", 1]
    assert {version for _, version in states(service).values()} == {2}


def test_nobody_undoes_the_verdict_on_what_they_sent(service: Service, reviewer: dict[str, str], admin: Any) -> None:
    own = service.predict(reviewer, "a lamp")["id"]
    service.http.post(f"/predictions/{own}/validate", json={"accept": True}, headers=admin)
    answer = undo(service, reviewer, {"id": own})
    assert (answer.status_code, problem(answer)["code"]) == (403, "review.own_product")


@pytest.mark.parametrize(
    "items",
    [[], [{"id": "x"}], [{"id": UNKNOWN}, {"id": UNKNOWN}], [{"id": UNKNOWN, "accept": True}], [{"version": 1}]],
)
def test_a_list_that_breaks_a_rule_is_422(service: Service, reviewer: dict[str, str], items: list[Any]) -> None:
    answer = undo(service, reviewer, *items)
    assert answer.status_code == 422
    problem(answer)


def test_two_hundred_is_the_most(service: Service, reviewer: dict[str, str]) -> None:
    ids = [f"01900000-0000-7000-8000-{n:012x}" for n in range(201)]
    assert undo(service, reviewer, *({"id": one} for one in ids)).status_code == 422
    assert undo(service, reviewer, *({"id": one} for one in ids[:200])).status_code == 404


def test_sent_again_under_its_name_it_undoes_nothing_again(
    service: Service, reviewer: dict[str, str], decided: list[str]
) -> None:
    named = {**reviewer, "Idempotency-Key": "shelf-1"}
    first, second = (undo(service, named, *({"id": one} for one in decided)) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == first.json()
    assert {version for _, version in states(service).values()} == {3}


def test_the_name_of_a_list_of_decisions_is_not_that_of_undoing_it(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made, named = service.predict(customer)["id"], {**reviewer, "Idempotency-Key": "shelf-1"}
    body = {"items": [{"id": made}]}
    assert service.http.post("/predictions/validate", json=body, headers=named).status_code == 200
    answer = undo(service, named, {"id": made})
    assert (answer.status_code, problem(answer)["code"]) == (422, "request.idempotency_key_reused")


def test_a_customer_is_403_and_nobody_is_401(service: Service, customer: dict[str, str], decided: list[str]) -> None:
    assert undo(service, customer, {"id": decided[0]}).status_code == 403
    assert undo(service, {}, {"id": decided[0]}).status_code == 401
