"""Promoting and rolling back by hand, with real packages: checked before the ledger moves, once, and soon served."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ServiceSettings
from core.db.models import Audit, Promotion
from core.db.repositories import judgements, promotions
from core.db.repositories.judgements import Judgement
from core.domain.roles import Role
from tests.integration.api.packaged import write_tiny_expert, write_tiny_model
from tests.integration.api.toys import Service, problem
from tests.integration.conftest import same_on_any_database

WHY = "three weeks of complaints about lamps"


@pytest.fixture
def champion(settings: ServiceSettings, photo: bytes) -> str:
    return write_tiny_model(settings.store.packages, photo)


@pytest.fixture
def challenger(settings: ServiceSettings, photo: bytes) -> str:
    return write_tiny_model(settings.store.packages, photo, temperature=0.3)


@pytest.fixture
def service(settings: ServiceSettings, champion: str) -> Iterator[Service]:
    """The service with its own loader, serving a real package."""
    app = create_app(settings)
    service = Service(app, TestClient(app, raise_server_exceptions=False))
    service.promote(champion, gate_report={"weighted_f1": 0.7}, run_id="run-1")
    with service.http:
        service.poll()
        yield service


def judge(service: Service, package: str, decision: str) -> None:
    """Beside what the ledger serves now."""
    gate = {"outcome": decision, "reasons": [f"it is {decision}"], "weighted_f1": 0.8}
    with service.app.state.parts.sessions.begin() as session:
        now = promotions.current(session)
        epoch, champion = (now.epoch, now.models["fusion"]) if now else (promotions.NO_EPOCH, None)
        said = Judgement(4, decision, epoch, champion, f"run-{decision}", 0.8, 0.7, gate)
        judgements.record(session, package=package, judgement=said, gated=True)


def promote(service: Service, headers: dict[str, str], version: str, **order: Any) -> Any:
    key = {"Idempotency-Key": order.pop("key")} if "key" in order else {}
    order = {"reason": WHY, "expected_epoch": 1, **order}
    return service.http.post(f"/models/{version}/promote", json=order, headers={**headers, **key})


def roll_back(service: Service, headers: dict[str, str], expected_epoch: int) -> Any:
    order = {"reason": WHY, "expected_epoch": expected_epoch}
    return service.http.post("/models/rollback", json=order, headers=headers)


def damage(settings: ServiceSettings, version: str, file: str = "arrays.safetensors") -> None:
    path = settings.store.packages / version / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def epochs(service: Service) -> list[int]:
    return [row.epoch for row in service.rows(Promotion)]


@pytest.mark.parametrize(("decision", "kind"), [("promote", "gate"), ("grey", "approved")])
def test_what_the_gate_let_through_or_left_to_a_person_is_served_after_the_answer(
    service: Service, admin: dict[str, str], customer: dict[str, str], challenger: str, decision: str, kind: str
) -> None:
    judge(service, challenger, decision)
    answer = promote(service, admin, challenger)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["epoch"], body["kind"], body["models"]["fusion"]) == (2, kind, challenger)
    assert (body["reason"], body["promoted_by"], body["run_id"]) == (WHY, "ada", f"run-{decision}")
    assert (body["weighted_f1"], body["manifest"]) == (0.8, 1)
    service.poll()
    assert service.predict(customer)["model"] == {"name": "fusion", "version": challenger, "epoch": 2}


@pytest.mark.parametrize("decision", ["refuse", None])
def test_against_the_gate_or_without_it_a_person_says_so(
    service: Service, admin: dict[str, str], challenger: str, decision: str | None
) -> None:
    if decision is not None:
        judge(service, challenger, decision)
    answer = promote(service, admin, challenger)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.not_let_through")
    assert epochs(service) == [1]
    answer = promote(service, admin, challenger, override=True)
    assert (answer.status_code, answer.json()["kind"], answer.json()["reason"]) == (200, "manual", WHY)
    audited = [row for row in service.rows(Audit) if row.subject == "release/2"]
    assert [row.detail["kind"] for row in audited] == ["manual"]


def test_what_the_gate_said_beside_another_champion_no_longer_holds(
    service: Service, admin: dict[str, str], champion: str, challenger: str, settings: ServiceSettings, photo: bytes
) -> None:
    judge(service, challenger, "promote")
    assert promote(service, admin, write_tiny_model(settings.store.packages, photo, temperature=0.4), override=True)
    answer = promote(service, admin, challenger, expected_epoch=2)
    assert "another champion" in problem(answer)["detail"]
    promote(service, admin, champion, expected_epoch=2, override=True)
    assert promote(service, admin, challenger, expected_epoch=3).json()["kind"] == "gate"


def test_a_companion_stands_beside_the_champion_without_the_gate(
    service: Service,
    admin: dict[str, str],
    customer: dict[str, str],
    champion: str,
    settings: ServiceSettings,
    photo: bytes,
) -> None:
    companion = write_tiny_expert(settings.store.packages, photo, "lexical")
    body = promote(service, admin, companion).json()
    assert (body["kind"], body["models"]) == ("companion", {"fusion": champion, "lexical": companion})
    assert (body["run_id"], body["weighted_f1"]) == ("run-1", 0.7)  # they describe the champion
    service.poll()
    answer = service.http.post("/predict?model=lexical", data={"designation": "a book"}, headers=customer)
    assert answer.json()["model"] == {"name": "lexical", "version": companion, "epoch": 2}


@pytest.mark.parametrize("file", ["arrays.safetensors", "golden.npz", "spec.json", "manifest.json"])
@same_on_any_database
def test_a_damaged_package_is_named_and_never_served(
    service: Service,
    admin: dict[str, str],
    customer: dict[str, str],
    settings: ServiceSettings,
    champion: str,
    challenger: str,
    file: str,
) -> None:
    judge(service, challenger, "promote")
    damage(settings, challenger, file)
    answer = promote(service, admin, challenger)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.package_refused")
    assert challenger[:12] in problem(answer)["detail"]
    assert epochs(service) == [1]
    service.poll()
    assert service.predict(customer)["model"]["version"] == champion


@same_on_any_database
def test_a_package_that_forgot_its_golden_answers_is_refused(
    service: Service, admin: dict[str, str], challenger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(service, challenger, "promote")
    monkeypatch.setattr("inference.golden.TOLERANCE", -1.0)
    answer = promote(service, admin, challenger)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.package_refused")
    assert "package.golden_mismatch" in problem(answer)["detail"]
    assert epochs(service) == [1]


@same_on_any_database
def test_a_model_of_other_categories_is_refused(
    service: Service, admin: dict[str, str], settings: ServiceSettings, challenger: str
) -> None:
    taxonomy = "prdtypecode,label,label_fr,theme\n10,Books,Livres,Culture\n40,Games,Jeux,Leisure\n"
    (settings.store.root / "taxonomy.csv").write_text(taxonomy, encoding="utf-8")
    answer = promote(service, admin, challenger, override=True)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.other_taxonomy")


@same_on_any_database
def test_what_is_no_model_is_not_found(service: Service, admin: dict[str, str]) -> None:
    answer = promote(service, admin, "f" * 64)
    assert (answer.status_code, problem(answer)["code"]) == (404, "model.unknown_version")


@same_on_any_database
def test_what_is_served_is_not_promoted_again(service: Service, admin: dict[str, str], champion: str) -> None:
    answer = promote(service, admin, champion, override=True)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.already_served")


@same_on_any_database
@pytest.mark.parametrize(
    "changes",
    [
        {"reason": ""},
        {"reason": " \t"},
        {"reason": "a\x00b"},
        {"reason": "x" * 501},
        {"expected_epoch": True},
        {"expected_epoch": "1"},
        {"expected_epoch": -1},
        {"expected_epoch": 2**31},
        {"override": "yes"},
        {"models": {}},
    ],
)
def test_an_order_that_breaks_a_rule_is_refused(
    service: Service, admin: dict[str, str], challenger: str, changes: dict[str, Any]
) -> None:
    assert promote(service, admin, challenger, **changes).status_code == 422
    assert epochs(service) == [1]


def test_of_two_admins_at_once_one_moves_the_release(service: Service, settings: ServiceSettings, photo: bytes) -> None:
    people = [service.sign_in("ada"), *(_admin(service, name) for name in ("adam", "ann", "art"))]
    versions = [write_tiny_model(settings.store.packages, photo, temperature=one) for one in (0.3, 0.4, 0.5, 0.6)]
    start, statuses = threading.Barrier(4), []

    def race(headers: dict[str, str], version: str) -> None:
        start.wait()
        statuses.append(promote(service, headers, version, override=True).status_code)

    threads = [threading.Thread(target=race, args=pair) for pair in zip(people, versions, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]
    assert epochs(service) == [1, 2]


def _admin(service: Service, name: str) -> dict[str, str]:
    service.hire(name, Role.ADMIN)
    return service.sign_in(name)


def test_a_named_promotion_that_comes_again_moves_nothing_again(
    service: Service, admin: dict[str, str], challenger: str
) -> None:
    judge(service, challenger, "promote")
    first, again = (promote(service, admin, challenger, key="monday") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert promote(service, admin, challenger, key="monday", reason="another").status_code == 422
    assert epochs(service) == [1, 2]


def test_a_rollback_serves_what_was_served_before_and_says_so_once(
    service: Service, admin: dict[str, str], customer: dict[str, str], champion: str, challenger: str
) -> None:
    assert problem(roll_back(service, admin, 1))["code"] == "release.nothing_to_roll_back"
    judge(service, challenger, "promote")
    promote(service, admin, challenger)
    service.poll()
    answer = roll_back(service, admin, 2)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["epoch"], body["kind"], body["models"]) == (3, "rollback", {"fusion": champion})
    assert (body["weighted_f1"], body["promoted_by"]) == (0.7, "ada")
    assert problem(roll_back(service, admin, 2))["code"] == "release.epoch_moved"
    service.poll()
    assert service.predict(customer)["model"] == {"name": "fusion", "version": champion, "epoch": 3}


@same_on_any_database
def test_nothing_is_rolled_back_to_a_damaged_package(
    service: Service, admin: dict[str, str], settings: ServiceSettings, champion: str, challenger: str
) -> None:
    judge(service, challenger, "promote")
    promote(service, admin, challenger)
    damage(settings, champion)
    answer = roll_back(service, admin, 2)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.package_refused")
    assert epochs(service) == [1, 2]


@same_on_any_database
def test_a_promotion_is_prepared_so_that_serving_it_loads_nothing(
    service: Service, admin: dict[str, str], customer: dict[str, str], settings: ServiceSettings, challenger: str
) -> None:
    judge(service, challenger, "promote")
    promote(service, admin, challenger)
    damage(settings, challenger)  # to load it again would fail
    service.poll()
    assert service.predict(customer)["model"]["version"] == challenger


@same_on_any_database
def test_the_service_swaps_by_itself_within_a_second_of_the_answer(
    settings: ServiceSettings, service: Service, admin: dict[str, str], customer: dict[str, str], challenger: str
) -> None:
    service.app.state.parts.serving.stop()
    app = create_app(_polling(settings))
    with TestClient(app) as http:
        quick = Service(app, http)
        quick.poll()
        judge(quick, challenger, "promote")
        assert promote(quick, admin, challenger).status_code == 200
        answered = time.monotonic()
        while quick.predict(customer)["model"]["version"] != challenger:
            assert time.monotonic() - answered < 1.0
        assert quick.http.get("/models", headers=customer).json()["epoch"] == 2


def _polling(settings: ServiceSettings) -> ServiceSettings:
    return replace(settings, serving=settings.serving.model_copy(update={"poll_s": 0.25}))


def test_only_admins_move_the_release(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], challenger: str
) -> None:
    for headers, status in (({}, 401), (customer, 403), (reviewer, 403)):
        assert promote(service, headers, challenger).status_code == status
        assert roll_back(service, headers, 1).status_code == status
    assert epochs(service) == [1]


def test_without_a_release_a_first_model_may_be_promoted_and_no_companion(
    settings: ServiceSettings, challenger: str, photo: bytes
) -> None:
    app = create_app(settings)
    companion = write_tiny_expert(settings.store.packages, photo, "lexical")
    with TestClient(app) as http:
        service = Service(app, http)
        admin = service.sign_in("ada")
        answer = promote(service, admin, companion, expected_epoch=0)
        assert problem(answer)["code"] == "release.no_champion"
        judge(service, challenger, "first")
        assert promote(service, admin, challenger, expected_epoch=0).json()["kind"] == "first"
