"""Uploads over HTTP, decoded as in production: by processes of their own."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.settings import ServiceSettings
from core.db.models import Prediction
from tests.integration.api.toys import Service, ToyModel, problem
from tests.integration.conftest import same_on_any_database
from tests.toys import photos

pytestmark = same_on_any_database


@pytest.fixture
def service(settings: ServiceSettings) -> Iterator[Service]:
    app = create_app(settings, load_model=ToyModel)
    service = Service(app, TestClient(app, raise_server_exceptions=False))
    service.promote("1" * 64)
    with service.http:
        service.poll()
        yield service


def send(service: Service, headers: dict[str, str], upload: bytes, name: str = "photo.jpg") -> Any:
    form = {"data": {"designation": "a book"}, "files": {"image": (name, upload)}}
    return service.http.post("/predict", headers=headers, **form)


def stored(settings: ServiceSettings) -> list[Path]:
    return sorted(settings.store.images.iterdir())


def test_every_photo_is_kept_clean_under_its_own_name(
    service: Service, customer: dict[str, str], settings: ServiceSettings
) -> None:
    for name, upload in photos.photos():
        answer = send(service, customer, upload)
        assert (answer.status_code, answer.json().get("modality")) == (201, "text+image"), name
        shown = service.http.get(f"/predictions/{answer.json()['id']}/image", headers=customer)
        assert shown.headers["content-type"] == "image/jpeg"
        assert (settings.store.images / sha256(shown.content).hexdigest()).read_bytes() == shown.content
        assert not [word for word in (photos.PAYLOAD, photos.GPS_DATE.encode(), b"Exif") if word in shown.content]


def test_however_the_camera_was_held_it_is_the_same_photo(service: Service, customer: dict[str, str]) -> None:
    for orientation in range(1, 9):
        assert send(service, customer, photos.turned(orientation)).status_code == 201
    assert len({row.image_sha256 for row in service.rows(Prediction)}) == 1


def test_what_is_no_photo_is_refused_and_leaves_nothing(
    service: Service, customer: dict[str, str], settings: ServiceSettings
) -> None:
    for name, upload, code in photos.refused():
        answer = send(service, customer, upload)
        document = problem(answer)
        assert (answer.status_code, document["code"]) == (413 if code == "image.too_large" else 422, code), name
        assert "s3ntinel" not in answer.text
    assert service.rows(Prediction) == []
    assert stored(settings) == []


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a" * 300, "s3ntinel\x7f.php"]
)
def test_the_file_s_name_plays_no_part(
    service: Service, customer: dict[str, str], settings: ServiceSettings, name: str
) -> None:
    answer = send(service, customer, photos.encode(photos.picture(), "PNG"), name)
    assert answer.status_code == 201
    assert name not in answer.text
    (kept,) = stored(settings)
    assert kept.name == sha256(kept.read_bytes()).hexdigest()


def test_a_photo_of_the_longest_size_is_taken_and_one_byte_more_is_not(
    service: Service, customer: dict[str, str], settings: ServiceSettings
) -> None:
    longest = photos.encode(photos.picture(), "JPEG").ljust(photos.MAX_BYTES, b"\0")
    assert send(service, customer, longest).status_code == 201
    assert send(service, customer, longest + b"\0").status_code == 413
