"""GET /models, /models/candidates, /models/releases and /models/{version}, with real packages."""

import shutil
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ServiceSettings
from core.db.repositories import judgements, promotions
from core.db.repositories.judgements import Judgement
from core.registry.packages import write_package
from tests.integration.api.packaged import write_tiny_expert, write_tiny_model
from tests.integration.api.toys import Service, problem
from tests.integration.conftest import same_on_any_database


@pytest.fixture
def versions(settings: ServiceSettings, photo: bytes) -> list[str]:
    """Three packages of a fusion; the first is served."""
    return [write_tiny_model(settings.store.packages, photo, temperature=one) for one in (0.2, 0.3, 0.4)]


@pytest.fixture
def service(settings: ServiceSettings, versions: list[str]) -> Iterator[Service]:
    app = create_app(settings)
    service = Service(app, TestClient(app, raise_server_exceptions=False))
    service.promote(versions[0], gate_report={"weighted_f1": 0.7}, run_id="run-1")
    with service.http:
        service.poll()
        yield service


def judge(service: Service, package: str, decision: str, weighted_f1: float) -> None:
    gate = {"outcome": decision, "reasons": ["weighted F1 rises", "no class falls"]}
    with service.app.state.parts.sessions.begin() as session:
        said = Judgement(4, decision, 1, None, "run-4", weighted_f1, 0.7, gate)
        judgements.record(session, package=package, judgement=said, gated=True)


def test_the_release_lists_every_model_by_the_name_that_a_prediction_takes(
    service: Service, customer: dict[str, str], settings: ServiceSettings, versions: list[str], photo: bytes
) -> None:
    image_only = write_tiny_expert(settings.store.packages, photo, "appearance")
    judge(service, versions[0], "promote", 0.75)
    service.promote("", models={"fusion": versions[0], "appearance": image_only})
    service.poll()
    body = service.http.get("/models", headers=customer).json()
    assert (body["epoch"], body["default"]) == (2, "fusion")
    appearance, fusion = body["models"]
    assert (appearance["name"], appearance["version"], appearance["modalities"]) == (
        "appearance",
        image_only,
        ["image-only"],
    )
    assert (appearance["weighted_f1"], appearance["decision"]) == (None, None)
    assert fusion == {
        "name": "fusion",
        "version": versions[0],
        "architecture": "fusion",
        "taxonomy_version": "toy000000000",
        "codes": 3,
        "modalities": ["image-only", "text+image", "text-only"],
        "weights": {},
        "manifest": 1,
        "weighted_f1": 0.75,
        "decision": "promote",
    }


def test_candidates_are_the_models_that_are_not_served_newest_first(
    service: Service, reviewer: dict[str, str], settings: ServiceSettings, versions: list[str]
) -> None:
    write_package(settings.store.packages, kind="text-encoder", spec={}, arrays={})
    judge(service, versions[1], "grey", 0.72)
    items = service.http.get("/models/candidates", headers=reviewer).json()["items"]
    assert [item["version"] for item in items] == [versions[2], versions[1]]
    assert [item["decision"] for item in items] == [None, "grey"]
    assert items[0]["packaged_at"].endswith("Z")
    first = service.http.get("/models/candidates?limit=1", headers=reviewer).json()["items"]
    assert [item["version"] for item in first] == [versions[2]]


@same_on_any_database
def test_a_damaged_candidate_is_passed_over(
    service: Service, reviewer: dict[str, str], settings: ServiceSettings, versions: list[str]
) -> None:
    (settings.store.packages / versions[2] / "spec.json").write_text("{")
    (settings.store.packages / ".aside").mkdir()
    items = service.http.get("/models/candidates", headers=reviewer).json()["items"]
    assert [item["version"] for item in items] == [versions[1]]
    answer = service.http.get(f"/models/{versions[2]}", headers=reviewer)
    assert (answer.status_code, problem(answer)["code"]) == (409, "release.package_refused")


@same_on_any_database
def test_without_a_packages_folder_there_are_no_candidates(
    service: Service, reviewer: dict[str, str], settings: ServiceSettings
) -> None:
    shutil.rmtree(settings.store.packages)
    assert service.http.get("/models/candidates", headers=reviewer).json() == {"items": []}


def test_a_model_tells_its_parts_its_judgement_and_when_it_was_served(
    service: Service, reviewer: dict[str, str], versions: list[str]
) -> None:
    judge(service, versions[0], "refuse", 0.6)
    judge(service, versions[0], "promote", 0.75)
    service.promote(versions[1])
    with service.app.state.parts.sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=2, actor="test", reason="a test")
    body = service.http.get(f"/models/{versions[0]}", headers=reviewer).json()
    assert (body["experts"], list(body["encoders"])) == (["appearance", "lexical"], ["appearance"])
    assert (body["gate"]["decision"], body["gate"]["run_id"], body["gate"]["manifest"]) == ("promote", "run-4", 4)
    assert body["gate"]["reasons"] == ["weighted F1 rises", "no class falls"]
    assert [(span["first_epoch"], span["last_epoch"]) for span in body["served"]] == [(1, 1), (3, None)]
    assert (body["served"][0]["until"] is None, body["served"][1]["until"]) == (False, None)
    other = service.http.get(f"/models/{versions[2]}", headers=reviewer).json()
    assert (other["gate"], other["served"]) == (None, [])


@same_on_any_database
@pytest.mark.parametrize("version", ["f" * 64, "F" * 64, "f" * 63, "f" * 65, "rollback", "..%2f..", "%00", "%20"])
def test_a_version_that_names_nothing_is_not_found(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], version: str
) -> None:
    answer = service.http.get(f"/models/{version}", headers=reviewer)
    assert answer.status_code == 404
    problem(answer)
    order = {"reason": "why not", "expected_epoch": 1}
    assert service.http.post(f"/models/{version}/promote", json=order, headers=admin).status_code == 404


@same_on_any_database
def test_an_encoder_is_no_model(service: Service, reviewer: dict[str, str], settings: ServiceSettings) -> None:
    encoder = write_package(settings.store.packages, kind="text-encoder", spec={}, arrays={})
    answer = service.http.get(f"/models/{encoder.sha}", headers=reviewer)
    assert (answer.status_code, problem(answer)["code"]) == (404, "model.unknown_version")


def test_the_ledger_is_told_page_by_page_with_names_for_accounts(
    service: Service, reviewer: dict[str, str], versions: list[str]
) -> None:
    ada = service.hire("zoe")
    for epoch, (version, actor) in enumerate(((versions[1], ada), (versions[2], "training.jobs")), start=1):
        with service.app.state.parts.sessions.begin() as session:
            promotions.promote(
                session,
                expected_epoch=epoch,
                models={"fusion": version},
                actor=actor,
                reason="better",
                kind="gate",
                gate_report={"weighted_f1": 0.8},
                run_id=None,
                manifest=1,
                taxonomy_version="toy000000000",
            )
    page = service.http.get("/models/releases?limit=2", headers=reviewer).json()
    assert [(item["epoch"], item["promoted_by"]) for item in page["items"]] == [(3, "training.jobs"), (2, "zoe")]
    assert (page["items"][0]["models"], page["items"][0]["previous"]) == (
        {"fusion": versions[2]},
        {"fusion": versions[1]},
    )
    last = service.http.get(f"/models/releases?limit=2&before={page['next']}", headers=reviewer).json()
    assert ([item["epoch"] for item in last["items"]], last["next"]) == ([1], None)


@same_on_any_database
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "before=0", "before=2147483648"])
def test_a_page_that_cannot_be_is_refused(service: Service, reviewer: dict[str, str], query: str) -> None:
    assert service.http.get(f"/models/releases?{query}", headers=reviewer).status_code == 422


@same_on_any_database
def test_customers_learn_what_is_served_and_no_more(
    service: Service, customer: dict[str, str], versions: list[str]
) -> None:
    assert service.http.get("/models", headers=customer).status_code == 200
    for path in ("/models/candidates", "/models/releases", f"/models/{versions[0]}"):
        assert service.http.get(path, headers=customer).status_code == 403
        assert service.http.get(path).status_code == 401
