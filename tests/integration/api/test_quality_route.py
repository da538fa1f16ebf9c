"""GET /quality: what the watch has read, what alarms, page by page, for staff."""

import pytest

from core.db.repositories import quality
from core.db.repositories.quality import Reading
from core.domain.watch import Finding, Watched
from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database

LOW = Reading(Watched.ACCURACY, "a" * 64, 200, "17", 0.55, 0.7, Finding.ALARM, {"covered": 1.0}, low=0.48, high=0.62)
SAME = Reading(Watched.TEXT, None, 200, "p", 0.001, 0.01, Finding.WELL, {}, chance=0.4)


def read(service: Service, *found: Reading) -> None:
    for number, one in enumerate(found):
        with service.app.state.parts.sessions.begin() as session:
            quality.record(session, f"run-{number}", one)
            quality.move_episode(session, one.kind, one.finding, f"run-{number}")


def test_it_tells_the_newest_of_each_kind_and_what_alarms(service: Service, reviewer: dict[str, str]) -> None:
    read(service, SAME, LOW)
    body = service.http.get("/quality", headers=reviewer).json()
    assert [(one["kind"], one["finding"]) for one in body["newest"]] == [("accuracy", "alarm"), ("text", "well")]
    accuracy = body["newest"][0]
    assert (accuracy["value"], accuracy["low"], accuracy["high"], accuracy["threshold"]) == (0.55, 0.48, 0.62, 0.7)
    assert accuracy["at"].endswith("Z")
    assert [(one["kind"], one["told"], one["ended_at"]) for one in body["episodes"]] == [("accuracy", 1, None)]
    assert body["items"] == [accuracy, body["newest"][1]]
    assert body["next"] is None


def test_readings_are_paged_and_narrowed_to_a_kind(service: Service, reviewer: dict[str, str]) -> None:
    read(service, SAME, SAME, LOW, SAME)
    first = service.http.get("/quality?kind=text&limit=2", headers=reviewer).json()
    assert len(first["items"]) == 2
    rest = service.http.get(f"/quality?kind=text&limit=2&before={first['next']}", headers=reviewer).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert {one["kind"] for one in first["items"] + rest["items"]} == {"text"}


@same_on_any_database
def test_before_the_first_look_there_is_nothing(service: Service, reviewer: dict[str, str]) -> None:
    body = service.http.get("/quality", headers=reviewer).json()
    assert body == {"newest": [], "episodes": [], "items": [], "next": None}


@same_on_any_database
@pytest.mark.parametrize("query", ["kind=price", "limit=0", "limit=101", "before=0", "after=1"])
def test_a_question_that_makes_no_sense_is_refused(service: Service, reviewer: dict[str, str], query: str) -> None:
    assert service.http.get(f"/quality?{query}", headers=reviewer).status_code == 422


@same_on_any_database
def test_customers_do_not_see_it(service: Service, customer: dict[str, str]) -> None:
    assert [service.http.get("/quality", headers=one).status_code for one in ({}, customer)] == [401, 403]
