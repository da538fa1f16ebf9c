"""Whose word counts for a client's address."""

from dataclasses import replace

import pytest

from api.server import make_server
from api.settings import ServiceSettings
from tests.integration.api.toys import Service
from tests.integration.conftest import same_on_any_database


@pytest.fixture(params=["", "10.1.0.0/16, 192.0.2.7"])
def trusted(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def settings(settings: ServiceSettings, trusted: str) -> ServiceSettings:
    return replace(settings, serving=settings.serving.model_copy(update={"trusted_proxies": trusted}))


def seen_as(service: Service, peer: str, forwarded_for: str) -> str:
    """The address that the application is told."""
    config = make_server(service.app).config
    config.load()
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/livez", "raw_path": b"/livez",
        "query_string": b"", "root_path": "", "scheme": "http", "client": (peer, 1), "server": ("127.0.0.1", 2),
        "headers": [(b"host", b"x"), (b"x-forwarded-for", forwarded_for.encode())],
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        pass

    service.http.portal.call(config.loaded_app, scope, receive, send)
    return scope["client"][0]


@same_on_any_database
def test_only_a_named_proxy_is_believed_and_only_about_whom_it_met(service: Service, trusted: str) -> None:
    believed = bool(trusted)
    assert seen_as(service, "10.1.2.3", "198.51.100.9") == ("198.51.100.9" if believed else "10.1.2.3")
    # What the client wrote itself stands to the left of what the proxies add.
    assert seen_as(service, "10.1.2.3", "8.8.8.8, 198.51.100.9, 192.0.2.7") == (
        "198.51.100.9" if believed else "10.1.2.3"
    )
    assert seen_as(service, "203.0.113.5", "198.51.100.9") == "203.0.113.5"
