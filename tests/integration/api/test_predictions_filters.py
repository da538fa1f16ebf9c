"""GET /predictions: which of them, and in which order."""

from typing import Any

import pytest

from tests.integration.api.toys import Service, problem


@pytest.fixture
def made(service: Service, customer: dict[str, str], reviewer: dict[str, str], photo: bytes) -> dict[str, Any]:
    """Four products by name; the last two are a reviewer's and answered by a second release."""
    found = {
        "book": service.predict(customer, "a book"),
        "game": service.predict(customer, "b game of 40 letters", description="complete, with the box"),
    }
    service.promote("2" * 64, models={"fusion": "2" * 64, "bigru": "3" * 64})
    service.poll()
    found["lamp"] = service.predict(reviewer, "c lamp")
    files = {"image": photo}
    answer = service.http.post("/predict?model=bigru", data={"designation": "a map"}, files=files, headers=reviewer)
    return {**found, "map": answer.json()}


def listed(service: Service, headers: dict[str, str], made: dict[str, Any], **query: Any) -> set[str]:
    answer = service.http.get("/predictions", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    names = {one["id"]: name for name, one in made.items()}
    return {names[item["id"]] for item in answer.json()["items"]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"book", "game", "lamp", "map"}),
        ({"code": 10}, {"book", "map"}),
        ({"code": 2**53 - 1}, set()),
        ({"suggested_code": 40}, {"game"}),
        ({"modality": "text+image"}, {"map"}),
        ({"modality": "text-only"}, {"book", "game", "lamp"}),
        ({"language": "en"}, {"game"}),
        ({"language": "unknown"}, {"book", "lamp", "map"}),
        ({"model": "bigru"}, {"map"}),
        ({"model_version": "2" * 64}, {"lamp"}),
        ({"epoch": 2}, {"lamp", "map"}),
        ({"min_confidence": 0.6}, {"game"}),
        ({"max_confidence": 0.56}, {"book", "lamp", "map"}),
        ({"min_confidence": 0.6, "code": 10}, set()),
        ({"created_since": "2026-01-01T00:00:00Z"}, {"book", "game", "lamp", "map"}),
        ({"created_until": "2026-01-01T00:00:00+02:00"}, set()),
        ({"updated_since": "2026-01-01T00:00:00.123456Z"}, {"book", "game", "lamp", "map"}),
        ({"updated_since": "9000-01-01T00:00:00Z"}, set()),
        ({"second_opinion": "true"}, set()),
        ({"feedback": "disputed"}, set()),
    ],
    ids=lambda given: str(sorted(given) if isinstance(given, set) else given),  # alike in every process
)
def test_staff_filter_by_everything_that_is_known(
    service: Service, reviewer: dict[str, str], made: dict[str, Any], query: dict[str, Any], names: set[str]
) -> None:
    assert listed(service, reviewer, made, **query) == names


def test_the_code_is_the_current_one_and_the_suggestion_stays(
    service: Service, admin: dict[str, str], made: dict[str, Any]
) -> None:
    changed = service.http.patch(f"/predictions/{made['book']['id']}", json={"prdtypecode": 40}, headers=admin)
    assert changed.status_code == 200, changed.text
    assert listed(service, admin, made, code=40) == {"book", "game"}
    assert listed(service, admin, made, suggested_code=10) == {"book", "map"}


def test_staff_ask_by_owner_and_customers_only_for_themselves(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: dict[str, Any]
) -> None:
    carla, remy = made["book"]["owner"], made["lamp"]["owner"]
    assert listed(service, reviewer, made, owner=carla) == {"book", "game"}
    assert listed(service, customer, made, owner=carla) == {"book", "game"}
    assert listed(service, customer, made, code=10) == {"book"}
    for path in ("/predictions", "/predictions.csv"):
        answer = service.http.get(path, params={"owner": remy}, headers=customer)
        assert (answer.status_code, problem(answer)["code"]) == (403, "account.role_too_low")


@pytest.mark.parametrize(
    "query",
    [
        {"code": "ten"},
        {"code": -1},
        {"code": 2**63},
        {"code": "9" * 5000},
        {"epoch": 2**31},
        {"owner": "x" * 37},
        {"modality": "smell"},
        {"language": "klingon"},
        {"model": "x" * 65},
        {"model_version": "2" * 63},
        {"model_version": "G" * 64},
        {"min_confidence": "nan"},
        {"min_confidence": "1e999"},
        {"max_confidence": 1.01},
        {"max_confidence": -0.01},
        {"feedback": "angry"},
        {"second_opinion": "perhaps"},
        {"updated_since": "yesterday"},
        {"updated_since": "2026-01-01"},
        {"updated_since": "2026-01-01T00:00:00"},
        {"updated_since": "1767225600"},
        {"updated_since": "2026-02-30T00:00:00Z"},
        {"updated_since": "2026-01-01T00:00:00+99:00"},
        {"created_since": "0001-01-01T00:00:00+14:00"},
        {"created_until": "9999-12-31T23:59:59-14:00"},
        {"colour": "red"},
    ],
    ids=lambda query: str(query)[:60],
)
@pytest.mark.parametrize("path", ["/predictions", "/predictions.csv"])
def test_a_filter_that_is_none_is_422(
    service: Service, reviewer: dict[str, str], path: str, query: dict[str, Any]
) -> None:
    answer = service.http.get(path, params=query, headers=reviewer)
    assert answer.status_code == 422
    problem(answer)


@pytest.mark.parametrize("order", ["newest", "oldest", "uncertain", "updated"])
def test_pages_cover_every_row_once_in_any_order(service: Service, customer: dict[str, str], order: str) -> None:
    made = [service.predict(customer, "lamp" + "!" * (n % 3)) for n in range(7)]
    keys = {
        "newest": lambda one: [-made.index(one)],
        "oldest": lambda one: [made.index(one)],
        "uncertain": lambda one: [one["confidence"], one["id"]],
        "updated": lambda one: [one["updated_at"], one["id"]],
    }
    found, query = [], {"order": order, "limit": 2}
    while True:
        page = service.http.get("/predictions", params=query, headers=customer).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [one["id"] for one in found] == [one["id"] for one in sorted(made, key=keys[order])]


def test_an_outcome_shows_the_code_that_a_person_accepted(
    service: Service, customer: dict[str, str], admin: dict[str, str]
) -> None:
    made = service.predict(customer)["id"]
    assert seen(service, customer, made) == ("pending", None)
    service.http.post(f"/predictions/{made}/validate", json={"accept": True, "prdtypecode": 40}, headers=admin)
    assert seen(service, customer, made) == ("validated", 40)
    service.http.post(f"/predictions/{made}/undo", headers=admin)
    service.http.post(f"/predictions/{made}/validate", json={"accept": False}, headers=admin)
    assert seen(service, customer, made) == ("rejected", None)


def seen(service: Service, headers: dict[str, str], an_id: str) -> tuple[str, int | None]:
    (item,) = service.http.get("/predictions", headers=headers).json()["items"]
    assert item["id"] == an_id
    return item["status"], item["final_code"]
