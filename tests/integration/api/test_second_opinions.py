"""Accepted labels that look wrong: marked when given or by a training, found by a filter, settled by somebody else."""

import threading
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


def test_a_label_that_was_kept_is_never_doubted_by_a_training_again(
    service: Service, admin: dict[str, str], ingested: list[str]
) -> None:
    one = ingested[0]
    ask(service, one)
    kept = post(service, admin, one, "keep")
    assert (kept.status_code, kept.json()["second_opinion"], kept.json()["version"]) == (200, None, 2)
    assert ask(service, one) == 0
    assert [row.action for row in service.rows(Audit)][-1] == "keep"


def test_a_label_that_nobody_doubts_cannot_be_kept(
    service: Service, admin: dict[str, str], customer: dict[str, str], ingested: list[str]
) -> None:
    answer = post(service, admin, ingested[0], "keep")
    assert (answer.status_code, problem(answer)["code"]) == (409, "review.not_doubted")
    assert post(service, customer, ingested[0], "keep").status_code == 403


def test_what_is_not_in_the_store_or_no_longer_has_the_label_is_passed_over(
    service: Service, customer: dict[str, str], admin: dict[str, str], ingested: list[str]
) -> None:
    pending = service.predict(customer, "a third book")["id"]
    post(service, admin, ingested[0], "retract")
    assert ask(service, pending, ingested[0], "no such product", given=10) == 0
    assert ask(service, ingested[1], given=1) == 0


SURE = "a book that nobody takes for anything else"  # the toy model is sure of long titles: confidence 0.9
UNSURE = "a book"


def accept(service: Service, headers: dict[str, str], an_id: str, code: int | None = None) -> Any:
    answer = post(service, headers, an_id, "validate", accept=True, **({} if code is None else {"prdtypecode": code}))
    assert answer.status_code == 200, answer.text
    return answer


def test_a_label_against_a_very_confident_model_is_marked_as_it_is_given(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    body = accept(service, reviewer, made, 40).json()
    assert (body["status"], body["version"], body["prdtypecode"]) == ("validated", 2, 40)
    opinion = body["second_opinion"]
    assert (opinion["prdtypecode"], opinion["label"]) == (10, "Books")
    assert opinion["label_quality"] == pytest.approx(0.05)
    assert [one["id"] for one in marked(service, reviewer)] == [made]
    assert row_of(service, made).doubted_code == 40
    assert loop.work_of(service, made) == [("append", 2, False, False)]


@pytest.mark.parametrize(("title", "code"), [(SURE, None), (SURE, 10), (UNSURE, 40)])
def test_a_label_that_agrees_or_goes_against_a_doubtful_model_is_not(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], title: str, code: int | None
) -> None:
    made = service.predict(customer, title)["id"]
    assert accept(service, reviewer, made, code).json()["second_opinion"] is None
    assert marked(service, reviewer) == []


def test_a_code_that_was_modified_before_is_marked_when_it_is_accepted(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    modified = service.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=reviewer).json()
    assert modified["second_opinion"] is None
    assert accept(service, admin, made).json()["second_opinion"]["prdtypecode"] == 10


def test_one_of_several_decisions_is_marked_alone(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    sure, unsure = (service.predict(customer, title)["id"] for title in (SURE, UNSURE))
    items = [{"id": sure, "prdtypecode": 40}, {"id": unsure, "prdtypecode": 40}]
    answer = service.http.post("/predictions/validate", json={"items": items}, headers=reviewer)
    assert answer.status_code == 200
    assert [one["id"] for one in marked(service, reviewer)] == [sure]


def test_the_mark_outlives_the_ingest_and_a_training_adds_none(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    accept(service, reviewer, made, 40)
    loop.ingest_all(service)
    [found] = marked(service, reviewer)
    assert (found["id"], found["status"], found["version"]) == (made, "ingested", 2)
    assert ask(service, made) == 0


def test_undoing_takes_the_mark_and_the_same_label_given_again_is_marked_again(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    accept(service, reviewer, made, 40)
    assert post(service, reviewer, made, "undo").json()["second_opinion"] is None
    assert marked(service, reviewer) == []
    assert accept(service, reviewer, made, 40).json()["second_opinion"] is not None


def test_an_admin_s_correction_against_a_very_confident_model_is_marked_too(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    accept(service, reviewer, made)
    loop.ingest_all(service)
    assert post(service, admin, made, "correct", prdtypecode=2060).json()["second_opinion"]["prdtypecode"] == 10
    assert post(service, admin, made, "correct", prdtypecode=10).json()["second_opinion"] is None


def test_a_second_opinion_is_somebody_else_s(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    accept(service, reviewer, made, 40)
    refused = post(service, reviewer, made, "keep")
    assert (refused.status_code, problem(refused)["code"]) == (403, "review.own_label")
    assert len(marked(service, reviewer)) == 1
    kept = post(service, admin, made, "keep")
    assert (kept.status_code, kept.json()["second_opinion"], kept.json()["status"]) == (200, None, "validated")
    assert loop.work_of(service, made) == [("append", 2, False, False)]


def test_whoever_proposed_the_code_gives_no_second_opinion_on_it_either(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer, SURE)["id"]
    service.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=reviewer)
    accept(service, admin, made)
    service.hire("rita")
    statuses = [post(service, who, made, "keep").status_code for who in (reviewer, admin, service.sign_in("rita"))]
    assert statuses == [403, 403, 200]


def test_two_second_opinions_at_once_are_one(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    service.hire("rita")
    people = [admin, service.sign_in("rita")]
    made = [service.predict(customer, f"{SURE}, volume {n}")["id"] for n in range(8)]
    for one in made:
        accept(service, reviewer, one, 40)
    together = threading.Barrier(2)
    statuses: list[int] = []

    def keep_all(headers: dict[str, str]) -> None:
        for one in made:
            together.wait()
            statuses.append(post(service, headers, one, "keep").status_code)

    threads = [threading.Thread(target=keep_all, args=(headers,)) for headers in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 8 + [409] * 8
    assert [row.action for row in service.rows(Audit)].count("keep") == 8
