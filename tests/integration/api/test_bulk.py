"""POST /predictions/validate: up to 200 decisions, all or none."""

import threading
from typing import Any

import pytest

from core.db.models import Outbox, Prediction, RequestKey, Verdict
from tests.integration.api.toys import Service, problem

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> list[str]:
    return [service.predict(customer, f"a book {n}")["id"] for n in range(4)]


def decide(service: Service, headers: dict[str, str], *items: dict[str, Any], **more: Any) -> Any:
    return service.http.post("/predictions/validate", json={"items": list(items), **more}, headers=headers)


def states(service: Service) -> dict[str, tuple[str, int]]:
    return {row.id: (row.status, row.version) for row in service.rows(Prediction)}


def test_every_item_is_decided_and_answered_in_the_order_sent(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    a, b, c, d = made
    items = [{"id": d}, {"id": a, "prdtypecode": 40, "version": 1}, {"id": c, "accept": False}, {"id": b}]
    answer = decide(service, reviewer, *items, reason="a clear shelf")
    assert answer.status_code == 200
    found = [(item["id"], item["status"], item["prdtypecode"]) for item in answer.json()["items"]]
    assert found == [(d, "validated", 10), (a, "validated", 40), (c, "rejected", 10), (b, "validated", 10)]
    assert {verdict.reason for verdict in service.rows(Verdict)} == {"a clear shelf"}
    assert sorted((row.prediction_id, row.kind) for row in service.rows(Outbox)) == sorted(
        [(a, "append"), (b, "append"), (c, "archive"), (d, "append")]
    )


def test_one_decided_item_undoes_all_and_is_named(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    service.http.post(f"/predictions/{made[2]}/validate", json={"accept": True}, headers=admin)
    before = states(service)
    answer = decide(service, reviewer, *({"id": one} for one in made))
    assert answer.status_code == 409
    document = problem(answer)
    assert document["code"] == "review.not_pending"
    assert document["errors"][0]["loc"] == ["body", "items", 2]
    assert document["errors"][0]["message"].startswith(f"{made[2]}: ")
    assert states(service) == before
    assert len(service.rows(Verdict)) == 1


@pytest.mark.parametrize(
    ("item", "status", "code"),
    [
        ({"id": UNKNOWN}, 404, "prediction.not_found"),
        ({"version": 2}, 412, "review.stale_version"),
        ({"prdtypecode": 11}, 422, "taxonomy.unknown_code"),
        ({"accept": False, "prdtypecode": 40}, 422, "review.code_with_rejection"),
    ],
)
def test_the_refusal_of_one_item_is_that_of_the_single_route(
    service: Service, reviewer: dict[str, str], made: list[str], item: dict[str, Any], status: int, code: str
) -> None:
    answer = decide(service, reviewer, {"id": made[0]}, {"id": made[1], **item})
    assert answer.status_code == status
    document = problem(answer)
    assert (document["code"], document["errors"][0]["loc"]) == (code, ["body", "items", 1])
    assert set(states(service).values()) == {("pending", 1)}


def test_a_product_that_stands_twice_is_422(service: Service, reviewer: dict[str, str], made: list[str]) -> None:
    answer = decide(service, reviewer, {"id": made[0]}, {"id": made[1]}, {"id": made[0], "accept": False})
    assert answer.status_code == 422
    problem(answer)
    assert service.rows(Verdict) == []


@pytest.mark.parametrize("items", [[], [{"id": "x"}], [{"id": UNKNOWN, "accept": 1}], [{"accept": True}], [{"id": 7}]])
def test_a_list_that_breaks_a_rule_is_422(service: Service, reviewer: dict[str, str], items: list[Any]) -> None:
    answer = decide(service, reviewer, *items)
    assert answer.status_code == 422
    problem(answer)


def test_two_hundred_is_the_most(service: Service, reviewer: dict[str, str]) -> None:
    ids = [f"01900000-0000-7000-8000-{n:012x}" for n in range(201)]
    assert decide(service, reviewer, *({"id": one} for one in ids)).status_code == 422
    assert decide(service, reviewer, *({"id": one} for one in ids[:200])).status_code == 404


def test_a_customer_is_403_and_nobody_is_401(service: Service, customer: dict[str, str], made: list[str]) -> None:
    assert decide(service, customer, {"id": made[0]}).status_code == 403
    assert decide(service, {}, {"id": made[0]}).status_code == 401


def test_sent_again_under_its_name_it_decides_nothing_again(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    named = {**reviewer, "Idempotency-Key": "shelf-1"}
    first, second = (decide(service, named, *({"id": one} for one in made)) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == first.json()
    assert len(service.rows(Verdict)) == len(service.rows(Outbox)) == 4


def test_a_refused_list_may_be_sent_again_under_its_name(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    named = {**reviewer, "Idempotency-Key": "shelf-1"}
    assert decide(service, named, {"id": made[0]}, {"id": UNKNOWN}).status_code == 404
    assert service.rows(RequestKey) == []
    assert decide(service, named, {"id": made[0]}).status_code == 200


def test_a_list_refused_for_one_decided_item_is_refused_again_with_the_same_words(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    assert decide(service, reviewer, {"id": made[1]}).status_code == 200
    named = {**reviewer, "Idempotency-Key": "shelf-1"}
    first = decide(service, named, {"id": made[0]}, {"id": made[1]})
    undone = service.http.post(f"/predictions/{made[1]}/undo", json={}, headers=reviewer)
    assert (first.status_code, undone.status_code) == (409, 200)
    late = decide(service, named, {"id": made[0]}, {"id": made[1]})
    assert {**problem(late), "request_id": ""} == {**problem(first), "request_id": ""}
    assert problem(late)["errors"][0]["loc"] == ["body", "items", 1]


def test_overlapping_lists_at_once_are_decided_by_exactly_one_each(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    rows = [service.predict(customer, f"a lamp {n}")["id"] for n in range(12)]
    lists = [rows, rows[::-1], rows[3:] + rows[:3], rows[6:] + rows[:6]]
    together = threading.Barrier(len(lists))
    statuses: list[int] = []

    def send(number: int) -> None:
        together.wait()
        items = [{"id": one, "accept": number % 2 == 0} for one in lists[number]]
        statuses.append(decide(service, (reviewer, admin)[number % 2], *items).status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(lists))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    assert {version for _, version in states(service).values()} == {2}
    assert len({status for status, _ in states(service).values()}) == 1
    assert len(service.rows(Verdict)) == len(service.rows(Outbox)) == 12
