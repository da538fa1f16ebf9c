"""What a reviewer decides over HTTP is what the training store holds: word for word, pixel for pixel, once."""

import io

import numpy as np
from PIL import Image

from core.db.models import Prediction
from core.store.snapshot import Snapshot
from preprocessing.images import to_tensor
from preprocessing.ingest.append import append
from tests.integration.api.toys import Service


def photo_of(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


def snapshot_after_append(service: Service, run_key: str) -> Snapshot:
    parts = service.app.state.parts
    append(parts.sessions, parts.settings.store, run_key=run_key)
    return Snapshot.open(parts.settings.store.training)


def predict(service: Service, headers: dict[str, str], designation: str, colour: str) -> str:
    files = {"designation": (None, designation.encode()), "image": ("a.png", photo_of(colour))}
    answer = service.http.post("/predict", files=files, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_a_corrected_product_joins_with_its_new_code_and_its_own_photo(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    odd = 'a "book", NA\r\n=1+1 🦊'
    made = predict(service, customer, odd, "teal")
    service.http.patch(f"/predictions/{made}", json={"prdtypecode": 2060}, headers=reviewer)
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    shown = service.http.get(f"/predictions/{made}/image", headers=customer).content
    snapshot = snapshot_after_append(service, "first")
    (row,) = snapshot.rows
    assert (row.prediction_id, row.designation, row.prdtypecode) == (made, odd, 2060)
    (segment, index) = snapshot.addresses[0]
    assert np.array_equal(snapshot.images(segment)[index], to_tensor(shown))
    assert service.http.get(f"/predictions/{made}", headers=customer).json()["status"] == "ingested"


def test_deciding_twice_gives_one_row_and_rejecting_gives_none(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    kept, refused, waiting = (
        predict(service, customer, f"a book {n}", c) for n, c in enumerate(("red", "blue", "tan"))
    )
    for headers in (reviewer, admin):
        service.http.post(f"/predictions/{kept}/validate", json={"accept": True}, headers=headers)
        service.http.post(f"/predictions/{refused}/validate", json={"accept": False}, headers=headers)
    first, second = (snapshot_after_append(service, key) for key in ("first", "second"))
    assert [row.prediction_id for row in first.rows] == [row.prediction_id for row in second.rows] == [kept]
    assert {row.id: row.status for row in service.rows(Prediction)} == {
        kept: "ingested",
        refused: "rejected",
        waiting: "pending",
    }


def test_an_ingested_product_can_no_longer_be_decided_about(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = predict(service, customer, "a book", "red")
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    snapshot_after_append(service, "first")
    for answer in (
        service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer),
        service.http.patch(f"/predictions/{made}", json={"prdtypecode": 40}, headers=reviewer),
        service.http.post(f"/predictions/{made}/undo", headers=reviewer),
    ):
        assert answer.status_code == 409


def live_rows(snapshot: Snapshot) -> list[tuple[str, int]]:
    return [(row.prediction_id, row.prdtypecode) for row in snapshot.rows]


def test_a_correction_replaces_the_row_in_one_snapshot(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made, kept = predict(service, customer, "a book", "red"), predict(service, customer, "a lamp", "blue")
    for one in (made, kept):
        service.http.post(f"/predictions/{one}/validate", json={"accept": True}, headers=reviewer)
    assert sorted(live_rows(snapshot_after_append(service, "first"))) == sorted([(made, 10), (kept, 10)])
    answer = service.http.post(f"/predictions/{made}/correct", json={"prdtypecode": 2060}, headers=admin)
    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "ingested", 3)
    assert sorted(live_rows(snapshot_after_append(service, "second"))) == sorted([(made, 2060), (kept, 10)])


def test_a_retracted_row_leaves_and_a_reopened_one_may_come_back(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], admin: dict[str, str]
) -> None:
    made = predict(service, customer, "a book", "red")
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    snapshot_after_append(service, "first")
    service.http.post(f"/predictions/{made}/retract", headers=admin)
    service.http.post(f"/predictions/{made}/undo", headers=admin)
    body = {"accept": True, "prdtypecode": 40}
    service.http.post(f"/predictions/{made}/validate", json=body, headers=reviewer)
    assert live_rows(snapshot_after_append(service, "second")) == [(made, 40)]
    service.http.post(f"/predictions/{made}/retract", headers=admin)
    assert live_rows(snapshot_after_append(service, "third")) == []


def test_an_erased_product_leaves_the_store_and_then_the_database(
    service: Service, customer: dict[str, str], reviewer: dict[str, str]
) -> None:
    made = predict(service, customer, "a book", "red")
    service.http.post(f"/predictions/{made}/validate", json={"accept": True}, headers=reviewer)
    snapshot_after_append(service, "first")
    assert service.http.delete(f"/predictions/{made}", headers=customer).status_code == 202
    assert service.http.get(f"/predictions/{made}", headers=customer).status_code == 404
    assert live_rows(snapshot_after_append(service, "second")) == []
    (row,) = service.rows(Prediction)
    assert (row.status, row.designation, row.description, row.image_sha256) == ("retracted", "", None, None)
