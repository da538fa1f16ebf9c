"""Accepted labels that look wrong: marked once, found by a filter, settled by an admin."""

from typing import Any

import pytest

from core.db.models import Audit, Prediction
from core.db.repositories import second_opinions
from core.db.repositories.second_opinions import Doubt
from tests.integration.api import loop
from tests.integration.api.toys import Service, problem


@pytest.fixture
def ingested(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> list[str]:
    """Two products in the training store, with the code that was suggested."""
    made = [service.predict(customer, title)["id"] for title in ("a book", "another book")]
    for one in made:
        assert post(service, reviewer, one, "validate", accept=True).status_code == 200
    loop.ingest_all(service)
    return made


def post(service: Service, headers: dict[str, str], an_id: str, verb: str, **body: Any) -> Any:
    return service.http.post(f"/predictions/{an_id}/{verb}", json=body or None, headers=headers)


def row_of(service: Service, prediction_id: str) -> Prediction:
    return next(row for row in service.rows(Prediction) if row.id == prediction_id)


def ask(service: Service, *prediction_ids: str, given: int | None = None) -> int:
    """Doubt the labels that these products have now, or ``given``."""
    doubts = [
        Doubt(one, row_of(service, one).current_code if given is None else given, 2060, 0.02) for one in prediction_ids
    ]
    with service.app.state.parts.sessions.begin() as session:
        return second_opinions.ask(session, doubts)


def marked(service: Service, headers: dict[str, str], wanted: bool = True) -> list[dict[str, Any]]:
    params = {"second_opinion": wanted}
    return service.http.get("/predictions", params=params, headers=headers).json()["items"]


def test_a_doubted_label_is_found_by_the_filter_with_what_it_looks_like(
    service: Service, admin: dict[str, str], ingested: list[str]
) -> None:
    assert ask(service, ingested[0]) == 1
    [found] = marked(service, admin)
    assert found["id"] == ingested[0]
    assert (found["second_opinion"]["prdtypecode"], found["second_opinion"]["label_quality"]) == (2060, 0.02)
    assert [one["id"] for one in marked(service, admin, wanted=False)] == [ingested[1]]


def test_asking_again_marks_nothing_again(service: Service, ingested: list[str]) -> None:
    assert [ask(service, *ingested), ask(service, *ingested)] == [2, 0]


def test_a_corrected_label_is_no_longer_marked_and_only_its_new_code_may_be_doubted(
    service: Service, admin: dict[str, str], ingested: list[str]
) -> None:
    one = ingested[0]
    old = row_of(service, one).current_code
    ask(service, one)
    assert post(service, admin, one, "correct", prdtypecode=2060).json()["second_opinion"] is None
    assert marked(service, admin) == []
    assert ask(service, one, given=old) == 0
    assert ask(service, one) == 1


def test_a_label_that_was_kept_is_never_doubted_again(
    service: Service, admin: dict[str, str], ingested: list[str]
) -> None:
    one = ingested[0]
    ask(service, one)
    kept = post(service, admin, one, "keep")
    assert (kept.status_code, kept.json()["second_opinion"], kept.json()["version"]) == (200, None, 2)
    assert ask(service, one) == 0
    assert [row.action for row in service.rows(Audit)][-1] == "keep"


def test_a_label_that_nobody_doubts_cannot_be_kept(
    service: Service, admin: dict[str, str], reviewer: dict[str, str], ingested: list[str]
) -> None:
    answer = post(service, admin, ingested[0], "keep")
    assert (answer.status_code, problem(answer)["code"]) == (409, "review.not_doubted")
    assert post(service, reviewer, ingested[0], "keep").status_code == 403


def test_what_is_not_in_the_store_or_no_longer_has_the_label_is_passed_over(
    service: Service, customer: dict[str, str], admin: dict[str, str], ingested: list[str]
) -> None:
    pending = service.predict(customer, "a third book")["id"]
    post(service, admin, ingested[0], "retract")
    assert ask(service, pending, ingested[0], "no such product", given=10) == 0
    assert ask(service, ingested[1], given=1) == 0
