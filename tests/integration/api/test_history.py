"""GET /predictions/{id}/history: every decision, in order."""

import pytest

from tests.integration.api.toys import Service, problem


@pytest.fixture
def made(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> str:
    made = service.predict(customer, "a book")["id"]
    service.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=reviewer)
    service.http.post(f"/predictions/{made}/validate", json={"accept": True, "reason": "plain"}, headers=reviewer)
    service.http.post(f"/predictions/{made}/undo", headers=reviewer)
    return made


def test_decisions_are_told_in_order_with_who_and_why(service: Service, reviewer: dict[str, str], made: str) -> None:
    items = service.http.get(f"/predictions/{made}/history", headers=reviewer).json()["items"]
    assert [(item["version"], item["action"], item["prdtypecode"], item["reason"]) for item in items] == [
        (2, "modify", 40, None),
        (3, "validate", 40, "plain"),
        (4, "undo", 40, None),
    ]
    assert {item["reviewer"] for item in items} == {"remy"}
    assert [item["decided_at"] for item in items] == sorted(item["decided_at"] for item in items)


def test_its_owner_is_not_told_who_decided(service: Service, customer: dict[str, str], made: str) -> None:
    items = service.http.get(f"/predictions/{made}/history", headers=customer).json()["items"]
    assert [item["reviewer"] for item in items] == [None] * 3


def test_somebody_else_s_history_is_404(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> None:
    theirs = service.predict(reviewer, "a book")["id"]
    answer = service.http.get(f"/predictions/{theirs}/history", headers=customer)
    assert (answer.status_code, problem(answer)["code"]) == (404, "prediction.not_found")
