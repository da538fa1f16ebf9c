"""GET /review/next?second_opinion=true: accepted labels that look wrong, one after the other, to somebody else."""

from typing import Any

import pytest

from core.db.models import Prediction
from tests.integration.api import loop
from tests.integration.api.test_review_next import ask, offered
from tests.integration.api.test_second_opinions import SURE, accept, post
from tests.integration.api.toys import Service, problem


@pytest.fixture
def marked(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> list[str]:
    """Three products whose label goes against a very sure model, accepted by ``reviewer``, and a pending one."""
    made = [service.predict(customer, f"{SURE}, volume {n}")["id"] for n in range(3)]
    for one in made:
        accept(service, reviewer, one, 40)
    service.predict(customer, "a pending book")
    return made


@pytest.fixture
def rita(service: Service) -> dict[str, str]:
    """Another reviewer."""
    service.hire("rita")
    return service.sign_in("rita")


def look(service: Service, headers: dict[str, str], *besides: str) -> Any:
    return ask(service, headers, second_opinion="true", order="oldest", besides=besides)


def test_the_labels_come_one_by_one_with_what_they_look_like(
    service: Service, rita: dict[str, str], marked: list[str]
) -> None:
    shown = look(service, rita).json()
    assert (shown["id"], shown["status"], shown["prdtypecode"]) == (marked[0], "validated", 40)
    assert shown["second_opinion"]["prdtypecode"] == 10
    assert look(service, rita, marked[0]).json()["id"] == marked[1]
    assert post(service, rita, marked[0], "keep").status_code == 200
    assert look(service, rita, marked[1]).json()["id"] == marked[2]


def test_two_people_are_shown_two_labels(
    service: Service, rita: dict[str, str], admin: dict[str, str], marked: list[str]
) -> None:
    assert [look(service, headers).json()["id"] for headers in (rita, admin)] == marked[:2]


def test_nobody_is_shown_a_label_that_they_gave(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], marked: list[str]
) -> None:
    assert look(service, reviewer).status_code == 204
    proposed = service.predict(customer, f"{SURE}, the last volume")["id"]
    service.http.patch(f"/predictions/{proposed}", json={"prdtypecode": 40}, headers=reviewer)
    accept(service, admin, proposed)
    for one in marked:
        post(service, admin, one, "keep")
    assert [look(service, headers).status_code for headers in (reviewer, admin)] == [204, 204]


def test_nobody_is_shown_the_label_of_what_they_sent(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], rita: dict[str, str]
) -> None:
    own = service.predict(rita, SURE)["id"]
    accept(service, reviewer, own, 40)
    assert look(service, rita).status_code == 204
    assert look(service, admin).json()["id"] == own


def test_a_label_in_the_training_store_is_looked_at_too(
    service: Service, rita: dict[str, str], marked: list[str]
) -> None:
    loop.ingest_all(service)
    assert look(service, rita).json()["status"] == "ingested"


def test_both_queues_stay_apart(service: Service, rita: dict[str, str], marked: list[str]) -> None:
    label, pending = look(service, rita).json()["id"], offered(service, rita)
    assert label in marked
    assert pending not in marked
    assert [look(service, rita).json()["id"], offered(service, rita)] == [label, pending]


def test_a_label_that_is_put_aside_comes_to_others(
    service: Service, rita: dict[str, str], admin: dict[str, str], marked: list[str]
) -> None:
    assert post(service, rita, look(service, rita).json()["id"], "skip").status_code == 204
    assert look(service, rita).json()["id"] == marked[1]
    assert look(service, admin).json()["id"] == marked[0]


def test_a_label_is_held_and_let_go_of_like_a_product(
    service: Service, rita: dict[str, str], admin: dict[str, str], marked: list[str]
) -> None:
    assert post(service, rita, marked[0], "lease").status_code == 200
    refused = post(service, admin, marked[0], "lease")
    assert (refused.status_code, problem(refused)["code"]) == (409, "review.leased")
    assert service.http.post("/review/release", json={"ids": marked}, headers=rita).status_code == 204
    assert look(service, admin).json()["id"] == marked[0]


@pytest.mark.parametrize("verb", ["keep", "undo"])
def test_whoever_settles_a_label_ends_the_lease(
    service: Service, rita: dict[str, str], marked: list[str], verb: str
) -> None:
    assert post(service, rita, look(service, rita).json()["id"], verb).status_code == 200
    row = next(row for row in service.rows(Prediction) if row.id == marked[0])
    assert (row.leased_by, row.leased_until, row.second_opinion) == (None, None, False)


def test_a_label_nobody_doubts_is_neither_held_nor_put_aside(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], rita: dict[str, str]
) -> None:
    made = service.predict(customer, "a book")["id"]
    accept(service, reviewer, made)
    for verb in ("lease", "skip"):
        answer = post(service, rita, made, verb)
        assert (answer.status_code, problem(answer)["code"]) == (409, "review.not_pending")
