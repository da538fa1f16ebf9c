"""Nobody decides about a product that they sent, whatever their role."""

from typing import Any

import pytest

from core.db.models import Audit, Prediction, Verdict
from core.db.repositories import second_opinions
from core.db.repositories.second_opinions import Doubt
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem

VALIDATED, INGESTED = "validated", "ingested"


@pytest.fixture
def own(service: Service, admin: dict[str, str]) -> str:
    """An admin's own product."""
    return service.predict(admin, "a book")["id"]


def stand(service: Service, headers: dict[str, str], an_id: str, status: str | None) -> None:
    """Let somebody accept the product; ingested ones are marked for a second opinion as well."""
    if status is None:
        return
    assert service.http.post(f"/predictions/{an_id}/validate", json={"accept": True}, headers=headers).is_success
    if status == INGESTED:
        loop.ingest_all(service)
        with service.app.state.parts.sessions.begin() as session:
            assert second_opinions.ask(session, [Doubt(an_id, 10, 40, 0.1)]) == 1


def traces(service: Service) -> tuple[list[tuple[str, str, int, bool]], int, int]:
    rows = [(row.id, row.status, row.version, row.second_opinion) for row in service.rows(Prediction)]
    return rows, len(service.rows(Verdict)), len(service.rows(Audit))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/validate", {"accept": True}, None),
        ("POST", "/validate", {"accept": True, "prdtypecode": 40}, None),
        ("POST", "/validate", {"accept": False}, None),
        ("PATCH", "", {"prdtypecode": 40}, None),
        ("POST", "/undo", None, VALIDATED),
        ("POST", "/correct", {"prdtypecode": 40}, INGESTED),
        ("POST", "/keep", None, INGESTED),
        ("POST", "/validate", {"accept": True}, VALIDATED),
    ],
    ids=["validate", "validate with a code", "reject", "modify", "undo", "correct", "keep", "validate again"],
)
def test_one_s_own_product_is_403_and_nothing_moves(
    service: Service,
    reviewer: dict[str, str],
    admin: dict[str, str],
    own: str,
    method: str,
    path: str,
    body: Any,
    status: str | None,
) -> None:
    stand(service, reviewer, own, status)
    before = traces(service)
    named = {**admin, "Idempotency-Key": "mine", "If-Match": '"7"'}
    for headers in (admin, named):  # neither a stale version nor another's verdict is told to who may not decide
        answer = service.http.request(method, f"/predictions/{own}{path}", json=body, headers=headers)
        assert (answer.status_code, problem(answer)["code"]) == (403, "review.own_product")
    assert traces(service) == before


def test_a_list_with_one_s_own_product_decides_nothing_and_names_it(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    theirs, own = service.predict(customer, "a book")["id"], service.predict(reviewer, "a lamp")["id"]
    items = [{"id": theirs}, {"id": own}]
    answer = service.http.post("/predictions/validate", json={"items": items}, headers=reviewer)
    document = problem(answer)
    assert (answer.status_code, document["code"]) == (403, "review.own_product")
    assert document["errors"][0]["loc"] == ["body", "items", 1]
    assert service.rows(Verdict) == []


def test_somebody_else_decides_and_its_sender_may_still_take_it_back(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], own: str
) -> None:
    stand(service, reviewer, own, VALIDATED)
    answer = service.http.post(f"/predictions/{own}/retract", headers=admin)
    assert (answer.status_code, answer.json()["status"]) == (200, "retracted")
    assert service.http.post(f"/predictions/{own}/undo", headers=admin).status_code == 403


def test_a_pending_product_of_one_s_own_may_be_deleted(service: Service, admin: dict[str, str], own: str) -> None:
    assert service.http.delete(f"/predictions/{own}", headers=admin).status_code == 204
