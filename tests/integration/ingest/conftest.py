import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db.models import Base
from tests.integration.ingest.shop import Shop, add_reviewer, write_catalogue


@pytest.fixture(scope="session")
def imported_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose catalogue was imported; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop.open(folder)
    Base.metadata.create_all(shop.engine)
    with shop.sessions.begin() as session:
        add_reviewer(session)
    shutil.copytree(folder, folder.with_name(f"{folder.name}-empty"))
    shop.import_catalogue(write_catalogue(folder / "catalogue"))
    shop.engine.dispose()
    return folder


@pytest.fixture
def shop(imported_once: Path, tmp_path: Path) -> Iterator[Shop]:
    """A database and a training store with thirty base products."""
    shutil.copytree(imported_once, tmp_path / "shop")
    shop = Shop.open(tmp_path / "shop")
    yield shop
    shop.engine.dispose()


@pytest.fixture
def empty_shop(imported_once: Path, tmp_path: Path) -> Iterator[Shop]:
    """A database with its tables, and no training store yet."""
    shutil.copytree(imported_once.with_name(f"{imported_once.name}-empty"), tmp_path / "empty")
    shop = Shop.open(tmp_path / "empty")
    yield shop
    shop.engine.dispose()


@pytest.fixture(scope="session")
def catalogue(imported_once: Path) -> Path:
    return imported_once / "catalogue"
