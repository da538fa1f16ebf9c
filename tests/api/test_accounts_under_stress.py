"""What accounts promise when the process is killed, and when everybody signs in at once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import func, select

from bench.accounts import WANTED_MB, resident_mb
from core.db.models import Prediction, UserAccount
from core.db.repositories import predictions
from core.db.repositories.predictions import NewPrediction
from core.domain.language import Language
from tests.api.people import PASSWORD, Caller
from tests.api.service import Etalon

_PRODUCTS = 450  # three portions
_SIGN_INS = 100


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_an_erasure_that_a_kill_interrupted_is_finished_by_the_next_start(
    open_service: Callable[..., Etalon], kind: str
) -> None:
    etalon = open_service(kind, ETALON_FAILPOINT="retraction.chunk:1:kill")
    leaver, stayer = etalon.hire("customer"), etalon.hire("customer")
    for owner, products in ((leaver, _PRODUCTS), (stayer, 1)):
        send(etalon, owner, products)
    with pytest.raises(httpx.TransportError):
        etalon.http.delete("/users/me", headers=leaver.headers)
    etalon.kill()  # only waits: it is dead
    assert 0 < count_of(etalon, leaver) < _PRODUCTS
    etalon.changes.clear()
    etalon.start()
    deadline = time.monotonic() + 60.0
    while count_of(etalon, leaver):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert count_of(etalon, stayer) == 1
    assert etalon.http.get("/users/me", headers=leaver.headers).status_code == 401
    assert etalon.violations() == []


def send(etalon: Etalon, owner: Caller, products: int) -> None:
    """Stage products as ``POST /predict`` does, without asking the model for each."""
    with etalon.sessions.begin() as session:
        for number in range(products):
            new = NewPrediction(
                owner_id=owner.id,
                idempotency_key=None,
                request_sha256=f"{number:064x}",
                designation=f"product {number}",
                description=None,
                image_sha256=None,
                modality="text-only",
                language=Language.UNKNOWN,
                suggested_code=10,
                confidence=0.5,
                answer={"top_k": [[10, 0.5]], "experts": {}},
                model_name="fusion",
                model_version=etalon.model,
                epoch=1,
                taxonomy_version="toy",
            )
            predictions.add(session, new)


def count_of(etalon: Etalon, owner: Caller) -> int:
    with etalon.readers() as session:
        return session.scalar(select(func.count()).where(Prediction.owner_id == owner.id)) or 0


def test_a_hundred_sign_ins_at_once_stay_within_their_memory(open_service: Callable[..., Etalon]) -> None:
    etalon = open_service()
    made = etalon.http.post("/users", json={"username": "nina", "password": PASSWORD})  # hashed at its full cost
    assert made.status_code == 201, made.text
    with etalon.readers() as session:
        stored = session.scalars(select(UserAccount.password_hash).where(UserAccount.username == "nina")).one()
    assert "m=19456,t=2,p=1" in stored
    before = resident_mb(etalon.pid)
    statuses, highest = asyncio.run(sign_in_at_once(etalon))
    assert set(statuses) <= {200, 429, 503}
    assert statuses[200] >= _SIGN_INS // 2
    assert highest - before <= WANTED_MB


async def sign_in_at_once(etalon: Etalon) -> tuple[Counter[int], float]:
    highest = 0.0

    async def watch() -> None:
        nonlocal highest
        while True:
            highest = max(highest, resident_mb(etalon.pid))
            await asyncio.sleep(0.005)

    limits = httpx.Limits(max_connections=_SIGN_INS)
    async with httpx.AsyncClient(base_url=etalon.url, timeout=60.0, limits=limits) as http:
        watching = asyncio.create_task(watch())
        form = {"username": "nina", "password": PASSWORD}
        answers = await asyncio.gather(*(http.post("/token", data=form) for _ in range(_SIGN_INS)))
        watching.cancel()
    return Counter(answer.status_code for answer in answers), highest
