"""`/reserve`: a product that nobody has labelled, for whoever has none of their own at hand."""

import pytest

from api.settings import ServiceSettings
from core.reserve import Spare, encode
from preprocessing.images import ImageFolder, sanitise
from tests.integration.api.test_typed_client import connect
from tests.integration.api.toys import PASSWORD, Service, problem


@pytest.fixture
def reserve(settings: ServiceSettings, photo: bytes) -> str:
    """Two products, one with a photo; returns the photo's name. Two more have texts that nobody may send."""
    clean = sanitise(photo, max_bytes=10**6, max_pixels=10**6)
    ImageFolder(settings.store.reserve / "images").put(clean)
    products = [
        Spare("1", "a lamp", "", clean.sha256),
        Spare("2", "NA", "<b>bleu</b>", ""),
        Spare("3", "x" * 1001, "", ""),
        Spare("4", "a long story", "y" * 5001, ""),
    ]
    (settings.store.reserve / "products.csv").write_bytes(encode(products))
    return clean.sha256


def suggested(service: Service, who: dict[str, str], times: int = 40) -> dict[str, dict[str, object]]:
    """What is suggested in many tries, by title. With two equally likely ones a try in 2⁴⁰ misses one."""
    answers = [service.http.get("/reserve/next", headers=who) for _ in range(times)]
    return {answer.json()["designation"]: answer.json() for answer in answers if answer.status_code == 200}


def test_any_product_that_may_be_sent_is_suggested(
    service: Service, reserve: str, customer: dict[str, str], admin: dict[str, str]
) -> None:
    wanted = {
        "a lamp": {"designation": "a lamp", "description": None, "image": f"/reserve/images/{reserve}"},
        "NA": {"designation": "NA", "description": "<b>bleu</b>", "image": None},
    }
    assert suggested(service, customer) == wanted
    assert suggested(service, admin) == wanted


def test_what_somebody_has_sent_is_not_suggested_to_them_again(
    service: Service, reserve: str, customer: dict[str, str], admin: dict[str, str]
) -> None:
    service.predict(customer, "a lamp")
    assert suggested(service, customer).keys() == {"NA"}
    assert suggested(service, admin).keys() == {"a lamp", "NA"}
    service.predict(customer, "NA")
    assert service.http.get("/reserve/next", headers=customer).status_code == 204


def test_without_a_reserve_there_is_nothing_to_suggest(service: Service, customer: dict[str, str]) -> None:
    answer = service.http.get("/reserve/next", headers=customer)
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_import_s_reserve_is_seen_without_a_restart(
    service: Service, settings: ServiceSettings, customer: dict[str, str]
) -> None:
    assert service.http.get("/reserve/next", headers=customer).status_code == 204
    settings.store.reserve.mkdir()
    (settings.store.reserve / "products.csv").write_bytes(encode([Spare("1", "a lamp", "", "")]))
    assert suggested(service, customer, 1).keys() == {"a lamp"}


def test_the_photo_is_shown_to_whoever_is_signed_in(service: Service, reserve: str, customer: dict[str, str]) -> None:
    address = f"/reserve/images/{reserve}"
    answer = service.http.get(address, headers=customer)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content.startswith(b"\xff\xd8\xff")
    assert service.http.get(address).status_code == 401


@pytest.mark.parametrize(
    "name",
    ["0" * 64, "products.csv", "..%2Fproducts.csv", "../products.csv", "..%2F..%2Ftaxonomy.csv", "%2Fetc%2Fpasswd"],
)
def test_no_other_file_is_shown(service: Service, reserve: str, customer: dict[str, str], name: str) -> None:
    assert service.http.get(f"/reserve/images/{name}", headers=customer).status_code == 404


def test_a_damaged_reserve_is_said_to_be_one(
    service: Service, settings: ServiceSettings, customer: dict[str, str]
) -> None:
    settings.store.reserve.mkdir()
    (settings.store.reserve / "products.csv").write_text("half a l", encoding="utf-8")
    answer = service.http.get("/reserve/next", headers=customer)
    assert (answer.status_code, problem(answer)["code"]) == (503, "reserve.corrupt")


def test_the_client_sends_what_is_suggested_until_nothing_is(service: Service, reserve: str) -> None:
    with connect(service, "carla", PASSWORD) as carla:
        for _ in range(2):
            product = carla.suggested_product()
            assert product is not None
            sent = carla.predict(product.designation, product.description, carla.suggested_image(product))
            assert sent.has_image is (product.designation == "a lamp")
        assert carla.suggested_product() is None
