"""One real service a database for the whole tier; a test that stops or breaks one starts its own."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from PIL import Image

from tests.api import matrix
from tests.api.document import Operation
from tests.api.people import Caller
from tests.api.service import Etalon, empty_database

on_both_databases = pytest.mark.parametrize("etalon", ["sqlite", "mariadb"], indirect=True)


@pytest.fixture(autouse=True)
def _no_settings_leak_in() -> None:
    """The processes here get an environment of their own."""


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A small JPEG of two colours."""
    image = Image.new("RGB", (48, 32), "red")
    image.paste("blue", (0, 0, 20, 32))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="session")
def open_service(
    tmp_path_factory: pytest.TempPathFactory, photo: bytes, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Etalon]]:
    """Starts a service in a place of its own: ``open_service("mariadb", SERVING_MAX_IN_FLIGHT="1")``."""
    with ExitStack() as running:

        def start(kind: str = "sqlite", **changes: str) -> Etalon:
            folder = tmp_path_factory.mktemp(kind)
            server = request.getfixturevalue("mariadb_server") if kind == "mariadb" else None
            return running.enter_context(Etalon(folder, empty_database(folder, server), photo, changes))

        yield start


@pytest.fixture(scope="session")
def etalon(request: pytest.FixtureRequest, open_service: Callable[..., Etalon]) -> Etalon:
    """The running service."""
    return open_service(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def customer(etalon: Etalon) -> Caller:
    return etalon.hire("customer")


@pytest.fixture(scope="session")
def reviewer(etalon: Etalon) -> Caller:
    return etalon.hire("reviewer")


@pytest.fixture(scope="session")
def admin(etalon: Etalon) -> Caller:
    return etalon.hire("admin")


@dataclass(frozen=True)
class Target:
    """A service with few rows, so that all of it can be compared before and after each of a thousand bad requests.

    Attributes:
        admin: who may call every route.
        named: an existing thing for each path parameter; the predictions are a customer's and pending.
    """

    etalon: Etalon
    admin: Caller
    named: dict[str, str]

    def path(self, operation: Operation) -> str:
        """The operation's path with existing things in it."""
        return operation.path.format_map(self.named)


@pytest.fixture(scope="session")
def target(open_service: Callable[..., Etalon]) -> Target:
    """What bad input is sent to."""
    etalon = open_service()
    admin, customer = etalon.hire("admin"), etalon.hire("customer")
    scene = matrix.Scene(etalon, admin, customer, admin.headers)
    own = {name: make(scene, customer) for name, make in matrix.THINGS.items() if matrix.is_declared(name)}
    return Target(etalon, admin, own | {name: make(scene) for name, (make, _) in matrix.COMMON.items()})
