"""People and things that a fuzzed request may name, made as they are needed."""

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import httpx
from sqlalchemy import Select, select

from core.db.models import ApiKey, Prediction
from core.db.repositories import promotions
from core.db.session import make_engine, make_readers, make_sessions
from core.settings import DatabaseSettings
from tests.api.people import Caller, People
from tests.integration.api.packaged import CODES, TITLES

_NEWEST = 30  # of whatever there is many of
_TOKEN_S = 300  # a third of a token's life
_PRODUCTS = 12


class Props:
    """What a service holds that requests can name.

    Args:
        url: where it answers.
        database: the URL of its database.
        role: of the account that asks.
    """

    def __init__(self, url: str, database: str, role: str) -> None:
        engine = make_engine(DatabaseSettings(url=database))
        self._readers = make_readers(engine)
        self._http = httpx.Client(base_url=url, timeout=60.0)
        self._people = People(make_sessions(engine), self._http)
        self._role = role
        self._caller: tuple[Caller, float] | None = None
        self.known: dict[str, Callable[[], Sequence[Any]]] = {
            "prediction_id": self._predictions,
            "id": self._predictions,
            "user_id": lambda: [self._bystander.id],
            "username": lambda: [self._bystander.username, self.newcomer().username + "x"],
            "reviewer": lambda: [self._bystander.username],
            "key_id": self._keys,
            "version": self._versions,
            "prdtypecode": lambda: CODES,
            "expected_epoch": lambda: [self._epoch()],
        }

    def caller(self) -> Caller:
        """The role's account; another one when it was closed or its token is getting old."""
        if self._caller is None or time.monotonic() > self._caller[1] or not self._is_open(self._caller[0]):
            self._caller = self.newcomer(), time.monotonic() + _TOKEN_S
            for n in range(_PRODUCTS):
                self._send_product(self._caller[0] if n % 2 else self._bystander, TITLES[n % 3])
        return self._caller[0]

    def newcomer(self) -> Caller:
        """An account of the role that nobody needs afterwards."""
        return self._people.hire(self._role)

    @cached_property
    def _bystander(self) -> Caller:
        """Somebody else, whom an admin may rename, close or delete."""
        return self._people.hire("customer")

    def _send_product(self, sender: Caller, title: str) -> None:
        self._http.post("/predict", data={"designation": title}, headers=sender.headers)

    def _is_open(self, account: Caller) -> bool:
        return self._http.get("/users/me", headers=account.headers).status_code == 200

    def _predictions(self) -> Sequence[str]:
        return self._ids(select(Prediction.id).order_by(Prediction.id.desc()))

    def _keys(self) -> Sequence[str]:
        return self._ids(select(ApiKey.id).order_by(ApiKey.id.desc())) or ["none"]

    def _ids(self, asked: Select[tuple[str]]) -> Sequence[str]:
        with self._readers() as session:
            return session.scalars(asked.limit(_NEWEST)).all()

    def _versions(self) -> Sequence[str]:
        with self._readers() as session:
            now = promotions.current(session)
        return list(now.models.values()) if now else ["0" * 64]

    def _epoch(self) -> int:
        with self._readers() as session:
            now = promotions.current(session)
        return now.epoch if now else 0
