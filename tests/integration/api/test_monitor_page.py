"""The monitor's page as the service gives it: who sees it, how far back it looks, and where it leads."""

from dataclasses import replace

import pytest

from api.settings import ServiceSettings
from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database

PLACES = {"mlflow_page": "https://mlflow.shop.example", "grafana_page": "https://grafana.shop.example/d/loop"}


@pytest.fixture
def settings(settings: ServiceSettings) -> ServiceSettings:
    return replace(settings, serving=settings.serving.model_copy(update=PLACES))


def page(service: Service, headers: dict[str, str], path: str = "/monitor") -> tuple[int, str]:
    answer = service.http.get(path, headers={**headers, "Accept": "text/html"})
    return answer.status_code, answer.text


@same_on_any_database
def test_it_leads_to_the_other_programs_that_are_configured(service: Service, reviewer: dict[str, str]) -> None:
    status, html = page(service, reviewer)
    assert status == 200
    assert all(f'href="{address}"' in html for address in PLACES.values())
    assert "Airflow</a>" not in html


@same_on_any_database
@pytest.mark.parametrize(
    ("path", "status"), [("?days=7", 200), ("?days=8", 422), ("?since=1", 422), ("/parts?days=90", 200)]
)
def test_it_looks_back_as_far_as_it_offers(service: Service, reviewer: dict[str, str], path: str, status: int) -> None:
    assert page(service, reviewer, f"/monitor{path}")[0] == status


@same_on_any_database
def test_customers_are_told_that_it_is_not_for_them(service: Service, customer: dict[str, str]) -> None:
    assert [page(service, customer, path)[0] for path in ("/monitor", "/monitor/parts")] == [403, 403]
