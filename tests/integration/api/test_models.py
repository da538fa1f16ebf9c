"""GET /models/champion and /classes, and how a new release reaches the answers."""

from collections.abc import Callable

from core.db.repositories import promotions
from tests.integration.api.toys import Service, problem


def test_the_champion_says_what_is_served_and_how_good_it_was(service: Service, customer: dict[str, str]) -> None:
    service.promote("2" * 64, gate_report={"weighted_f1": 0.875}, run_id="run-2")
    service.poll()
    body = service.http.get("/models/champion", headers=customer).json()
    assert body.pop("promoted_at").endswith("Z")
    assert body == {
        "name": "fusion",
        "version": "2" * 64,
        "epoch": 2,
        "weighted_f1": 0.875,
        "taxonomy_version": "toy000000000",
        "codes": 3,
        "weights": {"text": "toy-bert", "image": "random(20)"},
        "run_id": "run-2",
    }


def test_a_promotion_changes_the_next_answer_and_a_rollback_changes_it_back(
    service: Service, customer: dict[str, str]
) -> None:
    service.promote("2" * 64, gate_report={"weighted_f1": 0.9})
    service.poll()
    assert service.predict(customer)["model"] == {"name": "fusion", "version": "2" * 64, "epoch": 2}
    with service.app.state.parts.sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=2, actor="test", reason="a test")
    service.poll()
    assert service.predict(customer)["model"] == {"name": "fusion", "version": "1" * 64, "epoch": 3}


def test_a_rollback_loads_nothing(service: Service, customer: dict[str, str]) -> None:
    service.promote("2" * 64)
    service.poll()
    service.broken.add("1" * 64)  # to load it again would fail
    with service.app.state.parts.sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=2, actor="test", reason="a test")
    service.poll()
    assert service.predict(customer)["model"] == {"name": "fusion", "version": "1" * 64, "epoch": 3}


def test_a_rollback_keeps_the_score_of_the_release_it_goes_back_to(service: Service, customer: dict[str, str]) -> None:
    for sha, score in (("2" * 64, 0.8), ("3" * 64, 0.9)):
        service.promote(sha, gate_report={"weighted_f1": score})
    with service.app.state.parts.sessions.begin() as session:
        promotions.roll_back(session, expected_epoch=3, actor="test", reason="a test")
    service.poll()
    body = service.http.get("/models/champion", headers=customer).json()
    assert (body["epoch"], body["version"], body["weighted_f1"]) == (4, "2" * 64, 0.8)


def test_a_broken_package_is_refused_and_the_old_release_keeps_answering(
    service: Service, customer: dict[str, str]
) -> None:
    service.broken.add("2" * 64)
    service.promote("2" * 64)
    service.poll()
    assert service.predict(customer)["model"]["version"] == "1" * 64
    ready = service.http.get("/readyz")
    assert ready.status_code == 200
    assert (ready.json()["epoch"], ready.json()["refused_epoch"]) == (1, 2)
    assert ready.json()["refused_code"] == "package.corrupt"


def test_a_mended_release_is_served_after_all(service: Service, customer: dict[str, str]) -> None:
    service.broken.add("2" * 64)
    service.promote("2" * 64)
    service.poll()
    service.broken.clear()
    service.promote("2" * 64, models={"fusion": "2" * 64, "bigru": "3" * 64})
    service.poll()
    assert service.predict(customer)["model"]["epoch"] == 3
    assert service.http.get("/readyz").json()["refused_epoch"] is None


def test_the_classes_are_the_active_taxonomy(service: Service, customer: dict[str, str]) -> None:
    body = service.http.get("/classes", headers=customer).json()
    assert [item["prdtypecode"] for item in body["classes"]] == [10, 40, 2060]
    assert body["classes"][0] == {
        "prdtypecode": 10,
        "label": "Books",
        "label_fr": "Livres",
        "theme": "Culture",
        "theme_fr": "Culture",
    }
    assert len(body["taxonomy_version"]) == 12


def test_before_an_import_there_are_no_classes(service: Service, customer: dict[str, str]) -> None:
    (service.app.state.parts.settings.store.root / "taxonomy.csv").unlink()
    answer = service.http.get("/classes", headers=customer)
    assert answer.status_code == 503
    assert problem(answer)["code"] == "taxonomy.missing"


def test_before_the_first_release_there_is_no_champion(start: Callable[..., Service]) -> None:
    service = start(released=False)
    answer = service.http.get("/models/champion", headers=service.sign_in("carla"))
    assert answer.status_code == 503
    assert problem(answer)["code"] == "model.none_released"


def test_nobody_is_told_without_a_token(service: Service) -> None:
    for path in ("/models/champion", "/classes"):
        assert service.http.get(path).status_code == 401
