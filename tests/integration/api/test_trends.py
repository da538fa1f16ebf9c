"""GET /trends: days, backlog, answers by model and the stages of the loop, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.db.models import Outbox, Prediction, Promotion, SegmentClaim, UserAccount
from core.db.repositories import judgements, store_checks
from core.db.repositories.judgements import Judgement
from tests.integration.api.loop import ingest_all
from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database
from tests.toys.days import NEW, OLD, Shop, fill


def look(service: Service, headers: dict[str, str], days: int = 7) -> dict[str, Any]:
    answer = service.http.get(f"/trends?days={days}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def stage(found: dict[str, Any], name: str) -> tuple[int, str]:
    (one,) = (one for one in found["stages"] if one["stage"] == name)
    return one["waiting"], one["state"]


def account(service: Service, username: str) -> str:
    with service.app.state.parts.readers() as session:
        return session.scalars(select(UserAccount.id).where(UserAccount.username == username)).one()


@pytest.fixture
def filled(service: Service) -> Service:
    shop = Shop(owner=account(service, "carla"), reviewer=account(service, "remy"))
    with service.app.state.parts.sessions.begin() as session:
        fill(session, shop)
    return service


def test_each_day_tells_what_came_and_what_was_decided(filled: Service, reviewer: dict[str, str]) -> None:
    found = look(filled, reviewer)
    assert len(found["days"]) == 7
    *before, today = found["days"]
    assert [day["sent"] for day in before] == [20] * 6
    assert today["sent"] == 0
    of_a_day = {"validate": 14, "reject": 2}
    assert [day["verdicts"] for day in before[-2:]] == [of_a_day, of_a_day]
    assert before[-1]["overridden"] == 2
    assert before[-1]["override_rate"]["value"] == pytest.approx(2 / 14)
    assert before[-1]["median_age_s"] == 2 * 3600


def test_the_backlog_of_every_day_is_known_afterwards(filled: Service, reviewer: dict[str, str]) -> None:
    found = look(filled, reviewer)
    assert found["pending"]["rows"] == 12
    assert [day["backlog"]["rows"] for day in found["days"][-4:]] == [4, 8, 12, 12]
    assert found["days"][-1]["backlog"] == {"rows": 12, "oldest_days": 3, "median_days": 2}
    assert found["pending"]["oldest_at"] < found["pending"]["median_at"]


def test_answers_are_told_by_model_the_newest_release_first(filled: Service, reviewer: dict[str, str]) -> None:
    newest, older = look(filled, reviewer, days=30)["models"]
    assert (newest["version"], newest["rows"], sum(newest["confidence"])) == (NEW, 80, 80)
    assert (older["version"], sum(older["classes"].values())) == (OLD, 120)
    assert set(newest["classes"]) == {"10", "40", "2060"}


def test_what_the_service_check_sends_is_in_no_figure(filled: Service, reviewer: dict[str, str]) -> None:
    canary = filled.hire("canary")
    with filled.app.state.parts.sessions.begin() as session:
        session.execute(update(Prediction).values(owner_id=canary))
    found = look(filled, reviewer)
    assert (found["pending"]["rows"], sum(day["sent"] for day in found["days"]), found["models"]) == (0, 0, [])
    assert found["override_rate"] is None


def test_an_accepted_product_moves_from_stage_to_stage(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    first, second = (service.predict(customer)["id"] for _ in range(2))
    assert stage(look(service, reviewer, 1), "review") == (2, "well")
    service.http.post(f"/predictions/{first}/validate", json={"accept": True}, headers=reviewer)
    service.http.post(f"/predictions/{second}/validate", json={"accept": False, "reason": "x"}, headers=reviewer)
    found = look(service, reviewer, 2)
    assert [stage(found, name)[0] for name in ("sent", "review", "append", "train", "archive")] == [2, 0, 1, 0, 1]
    manifest = ingest_all(service)
    found = look(service, reviewer, 3)
    assert [stage(found, name)[0] for name in ("append", "train")] == [0, 1]
    assert found["runs"]["append"]["came"] == {"rows": 1, "retractions": 0, "manifest": manifest}
    judge(service, manifest, "promote")
    found = look(service, reviewer, 4)
    assert stage(found, "train") == (0, "well")
    assert found["runs"]["judge"]["came"] == {"decision": "promote", "weighted_f1": 0.8, "manifest": manifest}


def judge(service: Service, manifest: int, decision: str) -> str:
    package = "c" * 64
    said = Judgement(manifest, decision, 1, "1" * 64, None, 0.8, 0.79, {})
    with service.app.state.parts.sessions.begin() as session:
        judgements.record(session, package=package, judgement=said, gated=True)
    return package


def test_a_challenger_in_the_grey_zone_asks_for_a_person_until_one_answers(
    service: Service, reviewer: dict[str, str]
) -> None:
    package = judge(service, 1, "grey")
    found = look(service, reviewer, 1)
    assert stage(found, "decide") == (1, "asks")
    assert package.startswith(found["needs"]["challenger"])
    with service.app.state.parts.sessions.begin() as session:
        judgements.decline(session, package=package, asked_by="run", ending="rejected", who="ada", why="no")
    assert stage(look(service, reviewer, 2), "decide") == (0, "well")


def test_a_challenger_that_was_compared_with_an_earlier_release_asks_nobody(
    service: Service, reviewer: dict[str, str]
) -> None:
    judge(service, 1, "grey")
    service.promote("2" * 64)
    assert stage(look(service, reviewer), "decide") == (0, "well")


@pytest.mark.parametrize(
    ("name", "set_back"),
    [
        ("review", lambda past: update(Prediction).values(created_at=past)),
        ("append", lambda past: update(Outbox).where(Outbox.kind == "append").values(created_at=past)),
        ("archive", lambda past: update(Outbox).where(Outbox.kind == "archive").values(created_at=past)),
        ("train", lambda past: update(SegmentClaim).values(ingested_at=past)),
        ("serve", lambda past: update(Promotion).values(created_at=past)),
    ],
)
def test_a_stage_that_does_not_move_is_stuck(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], name: str, set_back: Callable[..., Any]
) -> None:
    appended, accepted, rejected, _ = (service.predict(customer)["id"] for _ in range(4))
    service.http.post(f"/predictions/{appended}/validate", json={"accept": True}, headers=reviewer)
    ingest_all(service)
    for one, accept in ((accepted, True), (rejected, False)):
        body = {"accept": accept} | ({} if accept else {"reason": "x"})
        service.http.post(f"/predictions/{one}/validate", json=body, headers=reviewer)
    service.promote("2" * 64)  # and nobody has looked at the ledger
    assert {one["state"] for one in look(service, reviewer, 1)["stages"] if one["stage"] != "serve"} == {"well"}
    with service.app.state.parts.sessions.begin() as session:
        now = session.scalars(select(Promotion.created_at).order_by(Promotion.epoch.desc()).limit(1)).one()
        session.execute(set_back(now - timedelta(days=4)), execution_options={"synchronize_session": False})
    assert stage(look(service, reviewer, 2), name)[1] == "stuck"


def test_a_broken_invariant_is_told_with_the_last_check(service: Service, reviewer: dict[str, str]) -> None:
    with service.app.state.parts.sessions.begin() as session:
        store_checks.record(session, complete=True, manifest=3, broken=["I2", "I2"])
    assert look(service, reviewer)["runs"]["check"]["came"] == {"complete": True, "violations": {"I2": 2}}


def test_disputes_wait_until_somebody_decides(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    sent = service.predict(customer)["id"]
    service.http.post(f"/predictions/{sent}/feedback", json={"kind": "disputed"}, headers=customer)
    assert look(service, reviewer, 1)["needs"]["disputed"] == 1
    service.http.post(f"/predictions/{sent}/validate", json={"accept": True}, headers=reviewer)
    assert look(service, reviewer, 2)["needs"]["disputed"] == 0


@same_on_any_database
def test_before_the_first_product_everything_is_empty_and_well(service: Service, reviewer: dict[str, str]) -> None:
    found = look(service, reviewer)
    assert {one["state"] for one in found["stages"]} == {"well"}
    assert found["pending"] == {"rows": 0, "oldest_at": None, "median_at": None, "late_at": None}
    assert (found["models"], found["override_rate"], list(found["runs"])) == ([], None, ["promote"])


@same_on_any_database
def test_this_process_tells_how_long_it_took(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    service.predict(customer)
    latency = look(service, reviewer)["latency"]
    assert {one["group"] for one in latency["groups"]} == {"predict", "sign_in"}
    assert latency["since"].endswith("Z")


@same_on_any_database
@pytest.mark.parametrize("query", ["days=0", "days=91", "days=x", "since=1"])
def test_a_question_that_makes_no_sense_is_refused(service: Service, reviewer: dict[str, str], query: str) -> None:
    assert service.http.get(f"/trends?{query}", headers=reviewer).status_code == 422


@same_on_any_database
def test_customers_do_not_see_it(service: Service, customer: dict[str, str]) -> None:
    assert [service.http.get("/trends", headers=one).status_code for one in ({}, customer)] == [401, 403]
