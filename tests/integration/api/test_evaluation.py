"""GET /models/{version}/evaluation: what a judgement measured, as long as its products count."""

from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ServiceSettings
from core.db.repositories import evaluations, judgements
from core.db.repositories.judgements import Judgement
from core.store import manifests
from core.store.manifests import Tombstone, append_segment, publish_batch
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, write_segment
from tests.integration.api.packaged import write_tiny_model
from tests.integration.api.toys import Service, problem
from tests.toys.evaluations import changed, evaluation, gate_report

GREY = np.full((224, 224, 3), 128, np.uint8)


@pytest.fixture
def versions(settings: ServiceSettings, photo: bytes) -> list[str]:
    """Three packages of a fusion; the first is served."""
    return [write_tiny_model(settings.store.packages, photo, temperature=one) for one in (0.2, 0.3, 0.4)]


@pytest.fixture
def service(settings: ServiceSettings, versions: list[str]) -> Iterator[Service]:
    app = create_app(settings)
    service = Service(app, TestClient(app, raise_server_exceptions=False))
    service.promote(versions[0])
    with service.http:
        service.poll()
        yield service


@pytest.fixture
def judged(service: Service, settings: ServiceSettings, versions: list[str]) -> str:
    """A challenger that was judged beside the champion, on a store whose three hold-out rows it answers otherwise."""
    rows = [
        TrainingRow(f"p{at}", "", f"title {at}", "", 10, "0" * 64, "base", "holdout", f"c{at}", "", "", "")
        for at in range(3)
    ]
    written = write_segment(settings.store.training, BASE_SEGMENT, rows, [GREY] * 3)
    append_segment(settings.store.training, written, taxonomy_version="toy000000000")
    champion, challenger, _ = versions
    examples = [changed(BASE_SEGMENT, at) for at in range(3)]
    with service.app.state.parts.sessions.begin() as session:
        said = Judgement(1, "grey", 1, champion, "run-1", 0.9, 0.8, gate_report("grey"))
        judgements.record(session, package=challenger, judgement=said, gated=True)
        measured = evaluation(challenger, champion, examples=examples)
        evaluations.record(session, package=challenger, evaluation=measured)
    return challenger


def test_an_evaluation_shows_both_models_on_the_same_products(
    service: Service, reviewer: dict[str, str], judged: str, versions: list[str]
) -> None:
    body = service.http.get(f"/models/{judged}/evaluation", headers=reviewer).json()
    assert (body["manifest"], body["rows"]) == (1, 30)
    assert (body["challenger"]["version"], body["champion"]["version"]) == (judged, versions[0])
    assert body["challenger"]["confusion"] == [[9, 1, 0], [0, 9, 1], [1, 0, 9]]
    assert body["challenger"]["latency_s"] == 0.012
    assert body["difference"] == {"observed": 0.1, "low": -0.02, "high": 0.2, "improves": 0.71}
    assert body["classes"][0] == {
        "prdtypecode": 10,
        "support": 10,
        "challenger": {"f1": 0.9, "low": 0.8, "high": 1.0},
        "champion": {"f1": 0.8, "low": 0.7, "high": 0.9},
    }
    assert body["parts"][0] == {"name": "text-only", "rows": 6, "challenger": 0.9, "champion": 0.8}
    assert body["changes"] == {"mended": 3, "broken": 1, "still wrong": 0}
    assert [one["designation"] for one in body["examples"]] == ["title 0", "title 1", "title 2"]
    assert body["examples"][0] == {
        "row": f"{BASE_SEGMENT}.0",
        "product_id": "p0",
        "designation": "title 0",
        "has_image": True,
        "change": "mended",
        "prdtypecode": 10,
        "champion": {"prdtypecode": 40, "confidence": 0.6},
        "challenger": {"prdtypecode": 10, "confidence": 0.9},
    }


def test_a_retracted_product_is_shown_no_more(
    service: Service, reviewer: dict[str, str], judged: str, settings: ServiceSettings
) -> None:
    newest = manifests.newest(settings.store.training)
    assert newest is not None
    gone = [Tombstone(BASE_SEGMENT, 1)]
    publish_batch(settings.store.training, None, tombstones=gone, taxonomy_version=newest.taxonomy_version)
    body = service.http.get(f"/models/{judged}/evaluation", headers=reviewer).json()
    assert [one["product_id"] for one in body["examples"]] == ["p0", "p2"]
    assert body["changes"]["mended"] == 3  # how many there were stays true


def test_figures_outlive_the_training_store(
    service: Service, reviewer: dict[str, str], judged: str, settings: ServiceSettings
) -> None:
    folder = settings.store.training / "segments" / BASE_SEGMENT
    (folder / "products.csv").write_bytes(b"damaged")
    body = service.http.get(f"/models/{judged}/evaluation", headers=reviewer).json()
    assert (body["rows"], body["examples"]) == (30, [])


def test_the_first_model_was_compared_with_none(
    service: Service, reviewer: dict[str, str], versions: list[str]
) -> None:
    with service.app.state.parts.sessions.begin() as session:
        evaluations.record(session, package=versions[0], evaluation=evaluation(versions[0], None))
    body = service.http.get(f"/models/{versions[0]}/evaluation", headers=reviewer).json()
    assert (body["champion"], body["difference"], body["changes"], body["examples"]) == (None, None, {}, [])
    assert body["classes"][0]["champion"] is None


def test_a_difference_is_of_the_champion_that_was_measured_beside_it(
    service: Service, reviewer: dict[str, str], judged: str, versions: list[str]
) -> None:
    with service.app.state.parts.sessions.begin() as session:
        later = Judgement(1, "refuse", 2, versions[2], None, None, 0.7, {"reasons": ["FAILED golden answers: forgot"]})
        judgements.record(session, package=judged, judgement=later, gated=True)
    assert service.http.get(f"/models/{judged}/evaluation", headers=reviewer).json()["difference"] is None


def test_a_model_of_which_no_figures_are_kept_says_so(
    service: Service, reviewer: dict[str, str], versions: list[str]
) -> None:
    answer = service.http.get(f"/models/{versions[2]}/evaluation", headers=reviewer)
    assert (answer.status_code, problem(answer)["code"]) == (404, "model.not_evaluated")
    unknown = service.http.get(f"/models/{'0' * 64}/evaluation", headers=reviewer)
    assert (unknown.status_code, problem(unknown)["code"]) == (404, "model.unknown_version")


def test_a_customer_is_not_shown_how_models_were_judged(
    service: Service, customer: dict[str, str], judged: str
) -> None:
    assert service.http.get(f"/models/{judged}/evaluation", headers=customer).status_code == 403
