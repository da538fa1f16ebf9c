"""Shops on SQLite and on MariaDB: a catalogue is imported once on each, and tests work on copies."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.db.migrate import migrate
from core.db.session import make_sessions
from tests import mariadb
from tests.integration.ingest.shop import Shop, add_people, write_catalogue

OpenShop = Callable[[str], "contextmanager[Shop]"]


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty products in the challenge's layout."""
    return write_catalogue(tmp_path_factory.mktemp("catalogue") / "catalogue")


def open_for_business(engine: Engine) -> None:
    """A reviewer, a seller and nothing else."""
    with make_sessions(engine).begin() as session:
        add_people(session)


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Path:
    """A folder with two shops: ``empty``, and ``stocked`` with the catalogue."""
    folder = tmp_path_factory.mktemp("shops")
    shop = Shop.open(folder / "empty")
    migrate(shop.engine)
    open_for_business(shop.engine)
    shop.engine.dispose()
    shutil.copytree(folder / "empty", folder / "stocked")
    shop = Shop.open(folder / "stocked")
    shop.import_catalogue(catalogue)
    shop.engine.dispose()
    return folder


@pytest.fixture(scope="session")
def stocked_on_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that belongs to the template ``stocked`` of the server; filled when the template is."""
    return tmp_path_factory.mktemp("stocked")


@pytest.fixture
def open_shop(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> OpenShop:
    """Opens a copy of the shop ``empty`` or ``stocked``."""

    @contextmanager
    def open_shop(which: str) -> Iterator[Shop]:
        folder, url = tmp_path / which, None
        if database_kind == "sqlite":
            shutil.copytree(request.getfixturevalue("on_sqlite") / which, folder)
        else:
            url = copy_on_mariadb(which, folder, request)
        shop = Shop.open(folder, url)
        yield shop
        shop.engine.dispose()

    return open_shop


def copy_on_mariadb(which: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """Copy a shop of the server's and its store into ``folder``; dropped when the test is over."""
    server: mariadb.Server = request.getfixturevalue("mariadb_server")
    store: Path = request.getfixturevalue("stocked_on_mariadb")

    def fill(engine: Engine) -> None:
        open_for_business(engine)
        if which == "stocked":
            url = engine.url.render_as_string(hide_password=False)
            Shop(store, engine, url).import_catalogue(request.getfixturevalue("catalogue"))

    database = server.fresh(which, fill=fill)
    request.addfinalizer(lambda: server.drop(database.name))
    if which == "stocked":
        shutil.copytree(store, folder)
    else:
        folder.mkdir()
    return database.url


@pytest.fixture
def shop(open_shop: OpenShop) -> Iterator[Shop]:
    """A database and a training store with thirty base products."""
    with open_shop("stocked") as shop:
        yield shop


@pytest.fixture
def empty_shop(open_shop: OpenShop) -> Iterator[Shop]:
    """A database with its tables, and no training store yet."""
    with open_shop("empty") as shop:
        yield shop
