"""Where the campaigns against the service happen: a database with accounts, a store with a base, one released model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from api.accounts.tokens import Tokens
from core.db.migrate import migrate
from core.db.models import UserAccount
from core.db.repositories import promotions
from core.domain.roles import Role
from core.settings import AuthSettings, DatabaseSettings, StoreSettings
from preprocessing.images import SanitisedImage, sanitise
from tests.integration.api.packaged import CODES, TAXONOMY_VERSION, write_tiny_model
from tests.integration.ingest.shop import Shop, photo, write_catalogue

BASE_PRODUCTS = 6
_KEY = "0123456789abcdefghijklmnopqrstuv-KEY"
_TOKEN_MINUTES = 60  # longer than any campaign


@dataclass(frozen=True, slots=True)
class Person:
    """An account and a token that is signed in for the whole campaign."""

    id: str
    name: str
    role: Role
    token: str


@dataclass(frozen=True, slots=True)
class Shopfront:
    """The place and its people.

    Attributes:
        shop: database and store.
        settings: environment of the service and of the jobs.
        people: by name.
        package: sha of the released model.
    """

    shop: Shop
    settings: dict[str, str]
    people: dict[str, Person]
    package: str


STAFF = {
    "carla": Role.CUSTOMER,
    "karim": Role.CUSTOMER,
    "remy": Role.REVIEWER,
    "rita": Role.REVIEWER,
    "tom": Role.REVIEWER,
    "ada": Role.ADMIN,
}
"""Who there is. Tom's labels are taken back now and then."""


@contextmanager
def open_shopfront(folder: Path, url: str | None = None) -> Iterator[Shopfront]:
    """A migrated database with ``STAFF``, a store with ``BASE_PRODUCTS``, and the toy model as epoch 1.

    Args:
        folder: for the store and, without ``url``, for a SQLite database.
        url: of a migrated database without a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop.open(folder, url)
    migrate(shop.engine)
    people = {name: _person(number, name, role) for number, (name, role) in enumerate(STAFF.items())}
    with shop.sessions.begin() as session:
        for person in people.values():
            session.add(UserAccount(id=person.id, username=person.name, password_hash="x", role=person.role.value))
    shop.import_catalogue(write_catalogue(folder / "catalogue", BASE_PRODUCTS, CODES))
    package = write_tiny_model(shop.store.packages, upload(0).data)
    release(shop, package)
    try:
        yield Shopfront(shop, settings_of(shop.store, shop.url), people, package)
    finally:
        shop.engine.dispose()


def settings_of(store: StoreSettings, database: str) -> dict[str, str]:
    """The environment of one service on this store and database."""
    return {
        "DB_URL": database,
        "STORE_ROOT": str(store.root),
        "AUTH_KEY": _KEY,
        "AUTH_TOKEN_MINUTES": str(_TOKEN_MINUTES),
        "AUTH_REQUESTS_PER_MINUTE": "1000000",
        "SERVING_POLL_S": "0.05",
        "SERVING_INFERENCE_THREADS": "1",
        "SERVING_LOG_LEVEL": "WARNING",
    }


def release(shop: Shop, package: str) -> int:
    """Move the ledger to this package; the new epoch."""
    with shop.sessions.begin() as session:
        now = promotions.current(session)
        row = promotions.promote(
            session,
            expected_epoch=now.epoch if now else promotions.NO_EPOCH,
            models={"fusion": package},
            actor="campaign",
            reason="a campaign",
            kind="manual",
            gate_report=None,
            run_id=None,
            manifest=1,
            taxonomy_version=TAXONOMY_VERSION,
        )
        return row.epoch


@cache
def upload(number: int) -> SanitisedImage:
    """One of the photos that sellers send, as it is stored."""
    return sanitise(raw_upload(number), max_bytes=10**6, max_pixels=10**6)


@cache
def raw_upload(number: int) -> bytes:
    """The same as it is sent."""
    return photo(500 + number)


def _person(number: int, name: str, role: Role) -> Person:
    account = f"01900000-0000-7000-8000-{number + 1:012d}"
    tokens = Tokens(AuthSettings(key=_KEY, token_minutes=_TOKEN_MINUTES))
    return Person(account, name, role, tokens.issue(account, 1, datetime.now(UTC)))


def database_settings(front: Shopfront) -> DatabaseSettings:
    """The same database for another engine."""
    return DatabaseSettings(url=front.settings["DB_URL"])
