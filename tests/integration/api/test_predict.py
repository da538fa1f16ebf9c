"""POST /predict."""

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.settings import ServiceSettings
from core.db.models import Prediction
from tests.integration.api.toys import Service, problem


def test_text_alone_is_answered_and_marked_as_such(service: Service, customer: dict[str, str]) -> None:
    answer = service.http.post("/predict", data={"designation": "A book"}, headers=customer)
    body = answer.json()
    assert answer.status_code == 201
    assert (body["modality"], body["has_image"]) == ("text-only", False)
    assert (body["prdtypecode"], body["label"], body["theme"]) == (10, "Books", "Culture")
    assert (body["suggested_code"], body["status"], body["version"]) == (10, "pending", 1)
    assert body["model"] == {"name": "fusion", "version": "1" * 64, "epoch": 1}
    assert [candidate["prdtypecode"] for candidate in body["top_k"]] == [10, 40, 2060]
    assert body["experts"]["toy"][0] == {"prdtypecode": 10, "confidence": body["confidence"]}
    assert answer.headers["location"] == f"/predictions/{body['id']}"


def test_the_answer_is_staged_before_it_is_given(service: Service, customer: dict[str, str]) -> None:
    made = service.predict(customer, "b game", description="for two")
    (row,) = service.rows(Prediction)
    assert (row.id, row.designation, row.description, row.current_code) == (made["id"], "b game", "for two", 40)


def test_a_photo_is_re_encoded_and_kept_without_metadata(
    service: Service, customer: dict[str, str], photo: bytes
) -> None:
    with_gps = Image.open(io.BytesIO(photo))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "camera of Jane Doe"
    upload = io.BytesIO()
    with_gps.save(upload, "JPEG", exif=exif)
    files = {"image": ("../../etc/passwd", upload.getvalue(), "text/plain")}
    answer = service.http.post("/predict", data={"designation": "lamp"}, files=files, headers=customer)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["modality"], answer.json()["has_image"]) == ("text+image", True)
    stored = service.http.get(f"/predictions/{answer.json()['id']}/image", headers=customer)
    assert stored.headers["content-type"] == "image/jpeg"
    assert b"Jane" not in stored.content
    assert Image.open(io.BytesIO(stored.content)).size == (32, 48)


def test_an_empty_file_field_of_a_browser_is_no_image(service: Service, customer: dict[str, str]) -> None:
    boundary = "b"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="designation"\r\n\r\nlamp\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename=""\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n\r\n--{boundary}--\r\n"
    )
    headers = {**customer, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = service.http.post("/predict", content=body.encode(), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["has_image"] is False


def test_the_same_key_and_content_get_the_same_answer(service: Service, customer: dict[str, str], photo: bytes) -> None:
    request: dict[str, Any] = {
        "data": {"designation": "lamp"},
        "files": {"image": ("a.jpg", photo)},
        "headers": {**customer, "Idempotency-Key": "order-7"},
    }
    first, second = (service.http.post("/predict", **request) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(service.rows(Prediction)) == 1


def test_the_same_key_with_other_content_is_422(service: Service, customer: dict[str, str]) -> None:
    headers = {**customer, "Idempotency-Key": "order-7"}
    service.predict(headers, "lamp")
    answer = service.http.post("/predict", data={"designation": "another lamp"}, headers=headers)
    assert answer.status_code == 422
    assert problem(answer)["code"] == "request.idempotency_key_reused"


def test_keys_of_two_people_do_not_meet(service: Service, customer: dict[str, str], reviewer: dict[str, str]) -> None:
    mine = service.predict({**customer, "Idempotency-Key": "1"}, "lamp")
    theirs = service.predict({**reviewer, "Idempotency-Key": "1"}, "book")
    assert mine["id"] != theirs["id"]


def test_a_request_sent_eight_times_at_once_stages_one_row(service: Service, customer: dict[str, str]) -> None:
    headers = {**customer, "Idempotency-Key": "storm"}
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(service.predict(headers, "lamp"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["id"] for answer in answers}) == 1
    assert len(answers) == 8
    assert len(service.rows(Prediction)) == 1


@pytest.mark.parametrize("key", ["", "k" * 129, "two words", "clé"])
def test_a_key_that_is_no_key_is_422(service: Service, customer: dict[str, str], key: str) -> None:
    headers = {**customer, "Idempotency-Key": key.encode("latin-1")}
    answer = service.http.post("/predict", data={"designation": "lamp"}, headers=headers)
    assert answer.status_code == 422
    problem(answer)


def test_a_model_is_asked_by_its_name(service: Service, customer: dict[str, str]) -> None:
    service.promote("2" * 64, models={"fusion": "1" * 64, "bigru": "2" * 64})
    service.poll()
    assert service.predict(customer, model="bigru")["model"]["name"] == "bigru"
    assert service.predict(customer)["model"]["name"] == "fusion"
    asked = service.http.post("/predict?model=bigru", data={"designation": "x"}, headers=customer)
    assert (asked.status_code, asked.json()["model"]["name"]) == (201, "bigru")
    answer = service.http.post("/predict", data={"designation": "x", "model": "gpt"}, headers=customer)
    assert answer.status_code == 422
    assert problem(answer)["code"] == "model.unknown"


def test_naming_two_models_is_refused_and_naming_one_twice_is_not(service: Service, customer: dict[str, str]) -> None:
    form = {"designation": "x", "model": "fusion"}
    twice = service.http.post("/predict?model=fusion", data=form, headers=customer)
    assert (twice.status_code, twice.json()["model"]["name"]) == (201, "fusion")
    for address, code in (("/predict?model=bigru", "model.named_twice"), (f"/predict?model={'x' * 65}", None)):
        answer = service.http.post(address, data=form, headers=customer)
        assert answer.status_code == 422
        assert code is None or problem(answer)["code"] == code


def test_before_the_first_release_a_prediction_is_503(start: Callable[..., Service]) -> None:
    service = start(released=False)
    answer = service.http.post("/predict", data={"designation": "lamp"}, headers=service.sign_in("carla"))
    assert answer.status_code == 503
    assert problem(answer)["code"] == "model.none_released"
    assert service.rows(Prediction) == []


def test_without_a_token_a_prediction_is_401(service: Service) -> None:
    problem(service.http.post("/predict", data={"designation": "lamp"}))


def test_a_photo_over_the_limit_is_413(
    service: Service, customer: dict[str, str], settings: ServiceSettings, photo: bytes
) -> None:
    upload = photo + b"\x00" * (settings.serving.max_upload_bytes + 1 - len(photo))
    answer = service.http.post("/predict", data={"designation": "x"}, files={"image": upload}, headers=customer)
    assert answer.status_code == 413
    assert problem(answer)["code"] == "image.too_large"


def test_a_full_disk_is_503_and_stages_nothing(
    service: Service, customer: dict[str, str], photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("preprocessing.images.write_durably", full)
    answer = service.http.post("/predict", data={"designation": "x"}, files={"image": photo}, headers=customer)
    assert answer.status_code == 503
    assert problem(answer)["code"] == "storage.refused"
    assert service.rows(Prediction) == []


def test_a_failing_commit_is_503_and_never_a_201(service: Service, customer: dict[str, str]) -> None:
    def fail(session: Session) -> None:
        if not session.in_nested_transaction():  # savepoints "commit" too
            raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    maker = service.app.state.parts.sessions
    event.listen(maker, "before_commit", fail)
    try:
        answer = service.http.post("/predict", data={"designation": "x"}, headers=customer)
    finally:
        event.remove(maker, "before_commit", fail)
    assert answer.status_code == 503
    assert problem(answer)["code"] == "database.unavailable"
    assert service.rows(Prediction) == []


def test_a_late_copy_of_a_request_does_not_bring_a_deleted_product_back(
    service: Service, customer: dict[str, str]
) -> None:
    headers = {**customer, "Idempotency-Key": "late"}
    body = service.predict(headers)
    assert service.http.delete(f"/predictions/{body['id']}", headers=customer).status_code == 204
    answer = service.http.post("/predict", data={"designation": "a book"}, headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (409, "prediction.erased")
    assert service.rows(Prediction) == []
