"""The real application on SQLite and on MariaDB; only the model is a toy, except where a test says otherwise."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from PIL import Image
from sqlalchemy import Engine, make_url
from starlette.testclient import TestClient

from api.accounts import passwords
from api.accounts.passwords import Passwords
from api.accounts.service import ensure_account
from api.app import create_app
from api.settings import ServiceSettings
from core.db.migrate import migrate
from core.db.session import make_engine, make_sessions
from core.domain.roles import Role
from core.settings import AuthSettings, DatabaseSettings, LoopSettings, ServingSettings, StoreSettings
from tests.integration.api.declared import Foresight
from tests.integration.api.toys import PASSWORD, TAXONOMY, BrokenPackage, InProcess, Service, ToyModel


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """A sign-in costs 25 ms and 19 MiB on purpose. What it has to cost is tested where passwords are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", lambda **costs: PasswordHasher(1, 8, 1))
        yield


def open_accounts(engine: Engine) -> None:
    """Three people: one of each role."""
    with make_sessions(engine).begin() as session:
        for username, role in (("carla", Role.CUSTOMER), ("remy", Role.REVIEWER), ("ada", Role.ADMIN)):
            ensure_account(session, Passwords(), username=username, password=PASSWORD, role=role)


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database with three accounts, made once and copied for every test."""
    path = tmp_path_factory.mktemp("database") / "etalon.db"
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{path}"))
    migrate(engine)
    open_accounts(engine)
    engine.dispose()
    return path


@pytest.fixture
def database(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DatabaseSettings]:
    """A migrated database of the test's own, with three accounts."""
    if database_kind == "sqlite":
        fresh = request.getfixturevalue("fresh_database")
        shutil.copyfile(fresh, tmp_path / "etalon.db")
        yield DatabaseSettings(url=f"sqlite:///{tmp_path / 'etalon.db'}")
        return
    server = request.getfixturevalue("mariadb_server")
    copy = server.fresh("accounts", fill=open_accounts)
    yield copy.settings()
    server.drop(copy.name)


@pytest.fixture
def lose_database(database_kind: str, database: DatabaseSettings, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Takes the database away from a running service."""
    name = make_url(database.url.get_secret_value()).database
    if database_kind == "sqlite":
        return Path(name).unlink
    return partial(request.getfixturevalue("mariadb_server").drop, name)


@pytest.fixture
def settings(tmp_path: Path, database: DatabaseSettings) -> ServiceSettings:
    store = tmp_path / "var"
    store.mkdir()
    (store / "taxonomy.csv").write_text(TAXONOMY, encoding="utf-8")
    return ServiceSettings(
        auth=AuthSettings(key="0123456789abcdefghijklmnopqrstuv-KEY"),
        database=database,
        store=StoreSettings(root=store),
        serving=ServingSettings(poll_s=60, max_image_pixels=1_000_000),
        loop=LoopSettings(),
    )


@pytest.fixture
def start(settings: ServiceSettings) -> Iterator[Callable[..., Service]]:
    """Starts the application with three accounts; ``start(released=False)`` leaves the ledger empty."""
    with ExitStack() as running:

        def start(*, released: bool = True) -> Service:
            broken: set[str] = set()

            def load(sha: str) -> ToyModel:
                if sha in broken:
                    raise BrokenPackage(sha)
                return ToyModel(sha)

            app = create_app(settings, load_model=load, decoder=InProcess(settings.serving))
            service = Service(app, TestClient(app, raise_server_exceptions=False), broken)
            service.http.event_hooks = {"response": [Foresight(app).check]}
            if released:
                service.promote("1" * 64)
            running.enter_context(service.http)
            service.poll()
            return service

        yield start


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    return start()


@pytest.fixture
def customer(service: Service) -> dict[str, str]:
    return service.sign_in("carla")


@pytest.fixture
def reviewer(service: Service) -> dict[str, str]:
    return service.sign_in("remy")


@pytest.fixture
def admin(service: Service) -> dict[str, str]:
    return service.sign_in("ada")


@pytest.fixture
def photo() -> bytes:
    """A small JPEG of two colours."""
    image = Image.new("RGB", (48, 32), "red")
    image.paste("blue", (0, 0, 20, 32))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()
