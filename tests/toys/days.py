"""Days of a shop's loop in the staging database, made up: what the monitor shows has something to show."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.db.models import Prediction, QualityReading, Verdict
from core.db.repositories.trends import clock

OLD, NEW = "a" * 64, "b" * 64
_CODES = (10, 40, 2060)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Shop:
    """So many products a day for so many days, sent at noon; the newest model came ``renewed`` days ago.

    Of each ten products of a day seven are accepted two hours later, one of them with another code, one is rejected,
    and two wait, unless they are older than ``waits`` days: those were accepted a day later.

    Attributes:
        owner: account of who sent them.
        reviewer: account of who decided.
    """

    owner: str
    reviewer: str
    days: int = 10
    per_day: int = 20
    waits: int = 3
    renewed: int = 4


def fill(session: Session, shop: Shop) -> datetime:
    """Write the days before today; returns the database's clock."""
    now = clock(session)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    products = [
        (noon - timedelta(days=ago) + timedelta(seconds=place), ago, place)
        for ago in range(shop.days, 0, -1)
        for place in range(shop.per_day)
    ]
    rows = [_product(shop, number, *product) for number, product in enumerate(products)]
    verdicts = [one for row, product in zip(rows, products, strict=True) for one in _verdicts(shop, row, *product)]
    for table, values in ((Prediction, rows), (Verdict, verdicts)):
        for at in range(0, len(values), _CHUNK):
            session.execute(insert(table), values[at : at + _CHUNK])
    return now


def _product(shop: Shop, number: int, sent_at: datetime, ago: int, place: int) -> dict[str, Any]:
    code, turn = _CODES[place % 3], place % 10
    waits = turn >= 8 and ago <= shop.waits
    return {
        "id": uuid_of(sent_at, number),
        "owner_id": shop.owner,
        "created_at": sent_at,
        "updated_at": sent_at,
        "designation": f"Produit {number}",
        "modality": "text-only",
        "suggested_code": code,
        "current_code": code,
        "confidence": 0.55 + 0.1 * (turn % 4),
        "answer": {"top_k": [[code, 0.9]], "experts": {}},
        "model_name": "fusion",
        "model_version": NEW if ago <= shop.renewed else OLD,
        "epoch": 2 if ago <= shop.renewed else 1,
        "taxonomy_version": "toy000000000",
        "status": "pending" if waits else "rejected" if turn == 7 else "ingested",
        "version": 1 if waits else 2,
        "second_opinion": False,
    }


def _verdicts(shop: Shop, row: dict[str, Any], sent_at: datetime, ago: int, place: int) -> Iterator[dict[str, Any]]:
    if row["status"] == "pending":
        return
    turn = place % 10
    other = next(code for code in _CODES if code != row["suggested_code"])
    yield {
        "prediction_id": row["id"],
        "prediction_version": 2,
        "action": "reject" if turn == 7 else "validate",
        "prdtypecode": other if turn == 0 else row["suggested_code"],
        "reviewer_id": shop.reviewer,
        "decided_at": sent_at + (timedelta(days=1) if turn >= 8 else timedelta(hours=2)),
    }


def uuid_of(moment: datetime, number: int) -> str:
    """An id of the seventh version, of that moment."""
    digits = f"{int((moment - _EPOCH) / timedelta(milliseconds=1)):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


def read_quality(session: Session, now: datetime, *, days: int = 10, accuracy: float = 0.84) -> None:
    """Two readings of each kind a day, the newest a moment ago; nothing alarms."""
    held = {"accuracy": (accuracy, 0.7), "calibration": (0.02, 0.05), "text": (0.002, 0.01), "images": (0.003, 0.01)}
    for half in range(2 * days, -1, -1):
        for kind, (value, threshold) in held.items():
            interval = {"low": value - 0.05, "high": value + 0.05} if kind == "accuracy" else {}
            session.add(
                QualityReading(
                    kind=kind,
                    run_key=f"toy-{half}",
                    at=now - timedelta(hours=12 * half),
                    rows=200,
                    through=str(half),
                    value=value,
                    threshold=threshold,
                    finding="well",
                    detail={},
                    **interval,
                )
            )
