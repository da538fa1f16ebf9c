"""GET /predictions/{id}/lineage."""

from typing import Any

import pytest
from sqlalchemy import update

from api.settings import ServiceSettings
from core.db.models import Outbox, Prediction, Promotion, SegmentClaim
from core.domain.splits import Split
from core.store.segments import BASE_SEGMENT
from preprocessing.ingest.append import append
from tests.integration.api import loop
from tests.integration.api.packaged import write_tiny_expert
from tests.integration.api.toys import Service, problem, statements_of_requests
from tests.toys.shop import Shop

NEW = "2" * 64


def lineage(service: Service, headers: dict[str, str], an_id: str) -> dict[str, Any]:
    answer = service.http.get(f"/predictions/{an_id}/lineage", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def accept(service: Service, headers: dict[str, str], *products: str) -> None:
    for an_id in products:
        answer = service.http.post(f"/predictions/{an_id}/validate", json={"accept": True}, headers=headers)
        assert answer.status_code == 200, answer.text


def serve(service: Service, models: dict[str, str], **facts: Any) -> None:
    service.promote("", models=models, **facts)
    service.poll()


def versions(row: dict[str, Any]) -> dict[str, int]:
    """The packages that saw a training row, and how many predictions each has answered."""
    return {model["version"]: model["predictions"] for model in row["models"]}


@pytest.fixture
def products(service: Service, customer: dict[str, str]) -> list[str]:
    return [service.predict(customer, f"a book {number}")["id"] for number in range(4)]


def test_a_prediction_leads_back_to_the_people_whose_labels_its_model_learnt_from(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], products: list[str]
) -> None:
    accept(service, reviewer, *products[:2])
    loop.ingest_all(service)
    accept(service, admin, products[2])
    accept(service, reviewer, products[3])
    learnt = loop.ingest_all(service)
    serve(service, {"fusion": NEW}, manifest=learnt, run_id="run-7")
    made = service.predict(customer)["id"]
    found = lineage(service, reviewer, made)
    assert found["model"] == {"name": "fusion", "version": NEW, "epoch": 2, "first_epoch": 2, "run_id": "run-7"}
    assert found["snapshot"]["manifest"] == learnt
    assert found["snapshot"]["reviewers"] == [
        {"reviewer": "remy", "rows": 3, "segments": 2},
        {"reviewer": "ada", "rows": 1, "segments": 1},
    ]
    assert found["training_rows"] == []


def test_a_later_epoch_with_the_same_package_leads_to_the_same_snapshot(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], products: list[str]
) -> None:
    accept(service, reviewer, products[0])
    learnt = loop.ingest_all(service)
    serve(service, {"fusion": NEW}, manifest=learnt, run_id="run-7")
    accept(service, reviewer, products[1])
    serve(service, {"fusion": NEW, "bigru": "3" * 64}, manifest=loop.ingest_all(service), kind="companion")
    found = lineage(service, reviewer, service.predict(customer)["id"])
    assert (found["model"]["epoch"], found["model"]["first_epoch"], found["model"]["run_id"]) == (3, 2, "run-7")
    assert (found["snapshot"]["manifest"], found["snapshot"]["reviewers"][0]["rows"]) == (learnt, 1)


def test_a_training_row_leads_to_every_released_model_that_saw_it(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], products: list[str]
) -> None:
    accept(service, reviewer, *products[:2])
    with_it = loop.ingest_all(service)
    serve(service, {"fusion": NEW}, manifest=with_it)
    service.predict(customer)
    service.predict(customer)
    service.http.post(f"/predictions/{products[1]}/retract", headers=admin)
    without_it = loop.ingest_all(service)
    serve(service, {"fusion": "4" * 64}, manifest=without_it)
    service.predict(customer)
    (kept,), (gone,) = (lineage(service, reviewer, an_id)["training_rows"] for an_id in products[:2])
    assert (kept["since"], kept["until"], kept["split"], kept["use"]) == (with_it, None, "train", "learnt")
    assert (kept["segment"], kept["row"], gone["row"]) == ("000001", 0, 1)
    assert versions(kept) == {NEW: 2, "4" * 64: 1}
    assert (gone["since"], gone["until"]) == (with_it, without_it)
    assert versions(gone) == {NEW: 2}


def test_a_corrected_product_has_two_rows_and_each_model_saw_one(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], products: list[str]
) -> None:
    accept(service, reviewer, products[0])
    serve(service, {"fusion": NEW}, manifest=loop.ingest_all(service))
    service.http.post(f"/predictions/{products[0]}/correct", json={"prdtypecode": 40}, headers=admin)
    serve(service, {"fusion": "4" * 64}, manifest=loop.ingest_all(service))
    found = lineage(service, reviewer, products[0])["training_rows"]
    assert [list(versions(row)) for row in found] == [[NEW], ["4" * 64]]
    assert found[0]["until"] == found[1]["since"]


def test_a_retracted_row_leaves_the_counts_of_later_snapshots(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str], products: list[str]
) -> None:
    accept(service, reviewer, *products)
    before = loop.ingest_all(service)
    serve(service, {"fusion": NEW}, manifest=before)
    old = service.predict(customer)["id"]
    service.http.post(f"/predictions/{products[0]}/retract", headers=admin)
    service.http.post(f"/predictions/{products[1]}/correct", json={"prdtypecode": 40}, headers=admin)
    serve(service, {"fusion": "4" * 64}, manifest=loop.ingest_all(service))
    new = service.predict(customer)["id"]
    rows = [
        {one["reviewer"]: one["rows"] for one in lineage(service, reviewer, an_id)["snapshot"]["reviewers"]}
        for an_id in (old, new)
    ]
    assert rows == [{"remy": 4}, {"remy": 2, "ada": 1}]


@pytest.mark.parametrize(
    ("split", "use"), [(Split.VALIDATION, "learnt"), (Split.FRESH, "measured"), (Split.NONE, "none")]
)
def test_what_a_row_was_used_for_follows_from_its_split(
    service: Service, reviewer: dict[str, str], products: list[str], split: Split, use: str
) -> None:
    accept(service, reviewer, products[0])
    loop.ingest_all(service)
    with service.app.state.parts.sessions.begin() as session:
        session.execute(update(Prediction).where(Prediction.id == products[0]).values(split=split.value))
    (row,) = lineage(service, reviewer, products[0])["training_rows"]
    assert (row["split"], row["use"]) == (split.value, use)


def test_a_row_whose_batch_is_being_written_is_in_no_snapshot_yet(
    service: Service, reviewer: dict[str, str], products: list[str]
) -> None:
    accept(service, reviewer, products[0])
    claimed = loop.claim(service)
    (row,) = lineage(service, reviewer, products[0])["training_rows"]
    assert (row["since"], row["until"], row["models"]) == (None, None, [])
    loop.mark(service, claimed)
    (row,) = lineage(service, reviewer, products[0])["training_rows"]
    assert row["since"] is not None


def test_a_companion_learnt_from_its_own_snapshot_and_not_from_the_champion_s(
    service: Service, reviewer: dict[str, str], products: list[str], settings: ServiceSettings, photo: bytes
) -> None:
    """Its epoch in the ledger goes on describing the champion; its package says what it learnt from."""
    accept(service, reviewer, products[0])
    first = loop.ingest_all(service)
    companion = write_tiny_expert(settings.store.packages, photo, "lexical", manifest=first)
    stranger = write_tiny_expert(settings.store.packages, photo, "appearance", manifest=first - 1)
    models = {"fusion": "1" * 64, "lexical": companion}
    serve(service, models, manifest=1_000_000, kind="companion")
    serve(service, {**models, "appearance": stranger}, manifest=first, kind="companion")
    (row,) = lineage(service, reviewer, products[0])["training_rows"]
    assert [(model["name"], model["manifest"]) for model in row["models"]] == [("lexical", first)]


def test_what_a_companion_learnt_from_is_unknown_once_its_package_is_gone(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    serve(service, {"fusion": "1" * 64, "bigru": NEW}, manifest=1, run_id="the champion's", kind="companion")
    answer = service.http.post("/predict?model=bigru", data={"designation": "a book"}, headers=customer)
    found = lineage(service, reviewer, answer.json()["id"])
    assert (found["model"]["first_epoch"], found["model"]["run_id"], found["snapshot"]) == (2, None, None)


def test_a_snapshot_counts_imported_rows_beside_those_of_reviewers(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], settings: ServiceSettings
) -> None:
    """Over the real training store: an imported catalogue, then an appended batch."""
    Shop(settings.store).add(BASE_SEGMENT, {"train": 5, "holdout": 2})
    made = service.predict(customer, "a book")["id"]
    accept(service, reviewer, made)
    parts = service.app.state.parts
    append(parts.sessions, settings.store, run_key="first")
    (claim,) = service.rows(SegmentClaim)
    serve(service, {"fusion": NEW}, manifest=claim.manifest)
    found = lineage(service, reviewer, service.predict(customer)["id"])["snapshot"]
    counts = {name: found[name] for name in ("manifest", "rows", "imported", "retracted", "segments")}
    assert counts == {"manifest": 2, "rows": 8, "imported": 7, "retracted": 0, "segments": 2}


def test_each_way_is_one_statement(service: Service, reviewer: dict[str, str], products: list[str]) -> None:
    """Beside who asks and what they ask about."""
    accept(service, reviewer, *products)
    serve(service, {"fusion": NEW}, manifest=loop.ingest_all(service))
    with statements_of_requests(service) as seen:
        assert lineage(service, reviewer, products[0])["training_rows"][0]["models"] != []
    about = [sql for sql in seen if any(table.__tablename__ in sql for table in (Promotion, Outbox))]
    assert len(about) == 2
    assert len([sql for sql in seen if sql.startswith("SELECT")]) == 4


def test_customers_learn_nothing_of_it_and_unknown_ones_are_404(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], products: list[str]
) -> None:
    answer = service.http.get(f"/predictions/{products[0]}/lineage", headers=customer)
    assert (answer.status_code, problem(answer)["code"]) == (403, "account.role_too_low")
    for an_id in ("x", "%00", "01900000-0000-7000-8000-000000000000"):
        answer = service.http.get(f"/predictions/{an_id}/lineage", headers=reviewer)
        assert (answer.status_code, problem(answer)["code"]) == (404, "prediction.not_found")
