"""POST /predictions/{id}/correct and /retract: labels that a batch has claimed already."""

from typing import Any

import pytest

from core.db.models import Outbox, Verdict
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem


@pytest.fixture
def validated(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> str:
    made = service.predict(customer, "a book")["id"]
    assert post(service, reviewer, made, "validate", accept=True).status_code == 200
    return made


@pytest.fixture
def ingested(service: Service, validated: str) -> str:
    loop.ingest_all(service)
    return validated


def post(service: Service, headers: dict[str, str], an_id: str, verb: str, **body: Any) -> Any:
    return service.http.post(f"/predictions/{an_id}/{verb}", json=body, headers=headers)


DONE = ("append", 2, True, True)


def test_a_correction_leaves_a_retraction_and_an_append_of_its_version(
    service: Service, admin: dict[str, str], ingested: str
) -> None:
    answer = post(service, admin, ingested, "correct", prdtypecode=2060, reason="it is a lamp")
    body = answer.json()
    assert (answer.status_code, body["status"], body["version"], body["prdtypecode"]) == (200, "ingested", 3, 2060)
    assert loop.work_of(service, ingested) == [DONE, ("retract", 3, False, False), ("append", 3, False, False)]
    verdict = service.rows(Verdict)[-1]
    assert (verdict.action, verdict.prdtypecode, verdict.reason) == ("correct", 2060, "it is a lamp")


def test_a_correction_that_nobody_claimed_is_superseded_by_the_next(
    service: Service, admin: dict[str, str], ingested: str
) -> None:
    post(service, admin, ingested, "correct", prdtypecode=2060)
    body = post(service, admin, ingested, "correct", prdtypecode=40).json()
    assert (body["version"], body["prdtypecode"]) == (4, 40)
    assert [work[:2] for work in loop.work_of(service, ingested)] == [
        ("append", 2),
        ("retract", 3),
        ("retract", 4),
        ("append", 4),
    ]


def test_a_correction_that_was_claimed_stays_and_the_next_retracts_it(
    service: Service, admin: dict[str, str], ingested: str
) -> None:
    post(service, admin, ingested, "correct", prdtypecode=2060)
    loop.claim(service)
    post(service, admin, ingested, "correct", prdtypecode=40)
    assert loop.work_of(service, ingested)[-4:] == [
        ("retract", 3, True, False),
        ("append", 3, True, False),
        ("retract", 4, False, False),
        ("append", 4, False, False),
    ]


@pytest.mark.parametrize("claimed", [False, True])
def test_a_row_on_its_way_to_the_store_cannot_be_corrected_yet(
    service: Service, admin: dict[str, str], validated: str, claimed: bool
) -> None:
    if claimed:
        loop.claim(service)
    answer = post(service, admin, validated, "correct", prdtypecode=40)
    assert answer.status_code == 409
    assert problem(answer)["code"] == "review.not_ingested"
    assert len(service.rows(Outbox)) == 1


def test_a_correction_to_a_code_outside_the_taxonomy_is_422(
    service: Service, admin: dict[str, str], ingested: str
) -> None:
    answer = post(service, admin, ingested, "correct", prdtypecode=11)
    assert (answer.status_code, problem(answer)["code"]) == (422, "taxonomy.unknown_code")
    assert loop.work_of(service, ingested) == [DONE]


def test_retracting_in_time_leaves_no_work_at_all(service: Service, admin: dict[str, str], validated: str) -> None:
    answer = post(service, admin, validated, "retract", reason="wrong shop")
    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "retracted", 3)
    assert loop.work_of(service, validated) == []


@pytest.mark.parametrize("marked", [False, True])
def test_retracting_a_claimed_row_leaves_an_urgent_retraction(
    service: Service, admin: dict[str, str], validated: str, marked: bool
) -> None:
    claimed = loop.claim(service)
    if marked:
        loop.mark(service, claimed)
    assert post(service, admin, validated, "retract").status_code == 200
    assert loop.work_of(service, validated) == [("append", 2, True, marked), ("retract", 3, False, False)]
    assert [row.urgent for row in service.rows(Outbox)] == [False, True]


def test_retracting_an_unclaimed_correction_still_retracts_the_row_before_it(
    service: Service, admin: dict[str, str], ingested: str
) -> None:
    post(service, admin, ingested, "correct", prdtypecode=40)
    post(service, admin, ingested, "retract")
    assert loop.work_of(service, ingested) == [DONE, ("retract", 3, False, False), ("retract", 4, False, False)]


def test_a_retracted_row_stays_retracted_when_its_batch_is_marked(
    service: Service, admin: dict[str, str], validated: str
) -> None:
    claimed = loop.claim(service)
    post(service, admin, validated, "retract")
    loop.mark(service, claimed)
    assert service.http.get(f"/predictions/{validated}", headers=admin).json()["status"] == "retracted"
    loop.ingest_all(service)
    assert [work[3] for work in loop.work_of(service, validated)] == [True, True]


def test_what_is_not_accepted_cannot_be_retracted(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], validated: str
) -> None:
    pending, rejected = (service.predict(customer, f"a lamp {n}")["id"] for n in range(2))
    post(service, reviewer, rejected, "validate", accept=False)
    post(service, admin, validated, "retract")
    for one in (pending, rejected, validated):
        answer = post(service, admin, one, "retract")
        assert (answer.status_code, problem(answer)["code"]) == (409, "review.not_accepted")


@pytest.mark.parametrize("verb", ["correct", "retract"])
def test_only_admins_may(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], ingested: str, verb: str
) -> None:
    body = {"prdtypecode": 40} if verb == "correct" else {}
    for headers, status in ((reviewer, 403), (customer, 403), ({}, 401)):
        assert post(service, headers, ingested, verb, **body).status_code == status
    assert loop.work_of(service, ingested) == [DONE]
