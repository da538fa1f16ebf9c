"""`/reports`: what has been written is listed and shown as it is, to staff, and no other file of the machine."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.settings import ServiceSettings
from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database

pytestmark = same_on_any_database

PAGE = "<!doctype html><title>Octobre</title><p>été"
MADE = datetime(2026, 11, 1, 2, 5, tzinfo=UTC)


@pytest.fixture
def folder(settings: ServiceSettings) -> Path:
    folder = settings.store.reports
    folder.mkdir()
    for name in ("monthly-2026-09", "monthly-2026-10"):
        (folder / f"{name}.html").write_text(PAGE, encoding="utf-8")
        (folder / f"{name}.json").write_text("{}")
        os.utime(folder / f"{name}.html", (MADE.timestamp(), MADE.timestamp()))
    (folder / "notes.html").write_text("somebody's")
    (folder / ".monthly-2026-10.html.ab12.aside").write_text("half a page")
    return folder


def test_reports_are_listed_newest_first(service: Service, folder: Path, reviewer: dict[str, str]) -> None:
    items = service.http.get("/reports", headers=reviewer).json()["items"]
    assert [one["name"] for one in items] == ["monthly-2026-10", "monthly-2026-09"]
    assert items[0] == {
        "name": "monthly-2026-10",
        "month": "2026-10",
        "made_at": "2026-11-01T02:05:00Z",
        "size": len(PAGE.encode()),
    }


def test_before_the_first_report_there_is_none(service: Service, reviewer: dict[str, str]) -> None:
    assert service.http.get("/reports", headers=reviewer).json() == {"items": []}
    assert service.http.get("/reports/monthly-2026-10", headers=reviewer).status_code == 404


def test_a_report_is_a_page_that_may_run_nothing(service: Service, folder: Path, reviewer: dict[str, str]) -> None:
    answer = service.http.get("/reports/monthly-2026-10", headers=reviewer)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"] == 'inline; filename="monthly-2026-10.html"'
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "sandbox"} <= set(policy)
    assert not [one for one in policy if one.startswith("script-src")]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "name",
    [
        "monthly-2026-10.html",
        "monthly-2026-13",
        "monthly-2026-10%00",
        "monthly-2026-10%0A",
        "notes",
        "..%2f..%2fetalon.db",
        "%2e%2e%2ftaxonomy.csv",
        "..%5c..%5cetalon.db",
        "monthly-２０２６-10",
        "m" * 5000,
    ],
)
def test_only_names_of_reports_lead_to_files(
    service: Service, folder: Path, reviewer: dict[str, str], name: str
) -> None:
    answer = service.http.get(f"/reports/{name}", headers=reviewer)
    assert answer.status_code == 404
    assert answer.json()["code"] in {"report.not_found", "request.not_found"}


def test_customers_see_no_report(service: Service, folder: Path, customer: dict[str, str]) -> None:
    for path in ("/reports", "/reports/monthly-2026-10"):
        assert service.http.get(path, headers=customer).status_code == 403
        assert service.http.get(path).status_code == 401
