"""POST /predict asked of real packages: of both halves, of the text alone, of the photo alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ServiceSettings
from core.db.models import Prediction
from tests.integration.api.packaged import CODES, TITLES, write_tiny_expert, write_tiny_model
from tests.integration.api.toys import Service, problem
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database


@pytest.fixture
def service(settings: ServiceSettings, photo: bytes) -> Iterator[Service]:
    """The service with its own loader, serving three packages."""
    packages = settings.store.packages
    app = create_app(settings)
    service = Service(app, TestClient(app))
    models = {expert: write_tiny_expert(packages, photo, expert) for expert in ("lexical", "appearance")}
    service.promote("", models={"fusion": write_tiny_model(packages, photo), **models})
    with service.http:
        service.poll()
        yield service


def ask(service: Service, headers: dict[str, str], photo: bytes | None = None, **fields: Any) -> Any:
    return service.http.post("/predict", data=fields, files={"image": photo} if photo else None, headers=headers)


def test_an_answer_from_both_halves_stands_beside_one_from_each(
    service: Service, customer: dict[str, str], photo: bytes
) -> None:
    both = ask(service, customer, photo, designation=TITLES[1]).json()
    by_text = ask(service, customer, designation=TITLES[1]).json()
    by_photo = ask(service, customer, photo, model="appearance").json()
    assert both["modality"] == "text+image"
    assert both["text"] == [{"prdtypecode": c["prdtypecode"], "confidence": c["confidence"]} for c in by_text["top_k"]]
    assert [score["confidence"] for score in both["image"]] == pytest.approx([1 / 3] * 3)
    assert (by_text["modality"], by_text["text"] is None, by_text["image"]) == ("text-only", False, None)
    assert (by_photo["modality"], by_photo["text"], by_photo["image"] is None) == ("image-only", None, False)
    assert service.http.get(f"/predictions/{both['id']}", headers=customer).json() == both


@pytest.mark.parametrize("title", [{}, {"designation": "a lamp"}], ids=["no designation", "designation"])
def test_a_model_of_photos_needs_a_photo_and_nothing_else(
    service: Service, customer: dict[str, str], photo: bytes, title: dict[str, str]
) -> None:
    answer = ask(service, customer, photo, model="appearance", **title)
    assert answer.status_code == 201, answer.text
    assert answer.json()["designation"] == title.get("designation", "")
    assert answer.json()["model"]["name"] == "appearance"
    refused = ask(service, customer, model="appearance", description="of glass", **title)
    assert (refused.status_code, problem(refused)["code"]) == (422, "model.cannot_answer")


@pytest.mark.parametrize("model", ["fusion", "lexical"])
def test_a_model_that_reads_text_needs_a_designation(
    service: Service, customer: dict[str, str], photo: bytes, model: str
) -> None:
    for fields in ({}, {"designation": ""}, {"description": "of glass"}):
        answer = ask(service, customer, photo, model=model, **fields)
        assert answer.status_code == 422, fields
        problem(answer)
    assert service.rows(Prediction) == []


def test_a_product_without_a_designation_is_erased_like_any_other(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], photo: bytes
) -> None:
    made = ask(service, customer, photo, model="appearance").json()["id"]
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    assert service.http.delete(f"/predictions/{made}", headers=customer).status_code == 204
    (row,) = service.rows(Prediction)
    assert row.image_sha256 is None


def test_as_many_answers_come_as_are_asked_for_and_three_are_kept(
    service: Service, customer: dict[str, str], photo: bytes
) -> None:
    one = ask(service, customer, photo, designation=TITLES[0], top_k="1").json()
    assert [len(one[part]) for part in ("top_k", "text", "image")] == [1, 1, 1]
    assert {len(best) for best in one["experts"].values()} == {1}
    kept = service.http.get(f"/predictions/{one['id']}", headers=customer).json()
    assert len(kept["top_k"]) == 3
    most = ask(service, customer, designation=TITLES[0], top_k="10").json()
    assert sorted(candidate["prdtypecode"] for candidate in most["top_k"]) == list(CODES)


@pytest.mark.parametrize("top_k", ["0", "11", "-1", "three", "1.5", "1e1", "9" * 400, "true"])
def test_a_number_of_answers_that_is_none_is_422(service: Service, customer: dict[str, str], top_k: str) -> None:
    answer = ask(service, customer, designation=TITLES[0], top_k=top_k)
    assert answer.status_code == 422
    problem(answer)


def test_the_same_key_with_another_number_of_answers_is_another_request(
    service: Service, customer: dict[str, str]
) -> None:
    headers = {**customer, "Idempotency-Key": "order-7"}
    assert ask(service, headers, designation=TITLES[0]).status_code == 201
    answer = ask(service, headers, designation=TITLES[0], top_k="5")
    assert problem(answer)["code"] == "request.idempotency_key_reused"
