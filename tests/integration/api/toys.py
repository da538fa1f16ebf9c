"""A toy model, a running application, and what every problem document owes."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from fastapi import FastAPI
from sqlalchemy import event
from starlette.testclient import TestClient

from api.accounts.passwords import Passwords
from api.accounts.service import ensure_account
from core.db.models import Promotion
from core.db.repositories import promotions
from core.domain.product import Modality, Product
from core.domain.roles import Role
from core.errors import Unavailable
from core.settings import ServingSettings
from inference.answer import Answer
from preprocessing.images import SanitisedImage, sanitise

CODES = (10, 40, 2060)
TAXONOMY = "prdtypecode,label,label_fr,theme\n10,Books,Livres,Culture\n40,Games,Jeux,Leisure\n2060,Lamps,Lampes,Home\n"
PASSWORD = "correct horse battery"


class ToyModel:
    """Knows a product by its first letter: a is 10, b is 40, everything else 2060; longer titles are surer."""

    taxonomy_version = "toy000000000"
    codes = CODES
    halves = frozenset({Modality.TEXT_ONLY, Modality.IMAGE_ONLY})
    encoders: ClassVar[dict[str, str]] = {}  # it reads no features: nothing can be said to be like a product
    spec: ClassVar[dict[str, Any]] = {
        "architecture": "toy",
        "taxonomy_version": taxonomy_version,
        "codes": CODES,
        "blends": {"text-only": {}, "image-only": {}, "text+image": {}},
        "temperatures": {"toy": 1.0},
        "encoders": {},
        "weights": {"text": "toy-bert", "image": "random(20)"},
        "snapshot": {"manifest": 1},
    }

    def __init__(self, sha: str) -> None:
        self.sha = sha

    def predict(self, products: Sequence[Product], top_k: int = 3) -> list[Answer]:
        return [self._answer(product, top_k) for product in products]

    def check(self) -> None:
        """It has no known answers."""

    def _answer(self, product: Product, top_k: int) -> Answer:
        code = {"a": 10, "b": 40}.get(product.designation[:1].lower(), 2060)
        sure = round(0.5 + min(len(product.designation), 40) / 100, 4)
        others = [other for other in CODES if other != code]
        best = ((code, sure), *((other, (1 - sure) / 2) for other in others))[:top_k]
        text = best if product.modality is not Modality.IMAGE_ONLY else None
        return Answer(code, sure, best, {"toy": best}, product.modality, text, best if product.image else None)


class InProcess:
    """Decodes uploads where it stands: what processes of their own add has tests of its own."""

    def __init__(self, serving: ServingSettings) -> None:
        self._limits = {"max_bytes": serving.max_upload_bytes, "max_pixels": serving.max_image_pixels}

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def decode(self, upload: bytes) -> SanitisedImage:
        return sanitise(upload, **self._limits)


@dataclass
class Service:
    """A running application, and the ways into it."""

    app: FastAPI
    http: TestClient
    broken: set[str] = field(default_factory=set)

    def sign_in(self, username: str) -> dict[str, str]:
        answer = self.http.post("/token", data={"username": username, "password": PASSWORD})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def hire(self, username: str, role: Role = Role.REVIEWER) -> str:
        """Open another account; returns its id."""
        with self.app.state.parts.sessions.begin() as session:
            account, _ = ensure_account(session, Passwords(), username=username, password=PASSWORD, role=role)
        return account.id

    def predict(self, headers: dict[str, str], designation: str = "a book", **fields: Any) -> dict[str, Any]:
        answer = self.http.post("/predict", data={"designation": designation, **fields}, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def promote(self, sha: str, **facts: Any) -> Promotion:
        """Move the ledger to a release of ``fusion``; the engine has not looked yet."""
        known = {"kind": "gate", "gate_report": None, "run_id": None, "manifest": 1, **facts}
        with self.app.state.parts.sessions.begin() as session:
            now = promotions.current(session)
            return promotions.promote(
                session,
                expected_epoch=now.epoch if now else 0,
                models=known.pop("models", {"fusion": sha}),
                actor="test",
                reason="a test",
                taxonomy_version="toy000000000",
                **known,
            )

    def poll(self) -> None:
        """Let the engine look at the ledger now."""
        self.app.state.parts.serving.poll()

    def rows(self, table: type) -> list[Any]:
        with self.app.state.parts.readers() as session:
            return list(session.query(table))


class BrokenPackage(Unavailable):
    code = "package.corrupt"


def problem(answer: Any) -> dict[str, Any]:
    """The answer's problem document, checked for what every problem owes."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = json.loads(answer.content)
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    assert {"title", "detail"} <= document.keys()
    assert document["type"] == "/problems/" + document["code"]
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if answer.status_code in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    return document


@contextmanager
def statements_of_requests(service: Service) -> Iterator[list[str]]:
    """The statements that requests send to the database; not the watchers', which come when they are due."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if threading.current_thread().name.startswith(("AnyIO worker thread", "passwords")):
            seen.append(statement)

    engine = service.app.state.parts.database
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
