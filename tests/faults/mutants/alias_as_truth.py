"""The flaw: what is served is what a mutable alias says, and its last writer wins. The ledger only takes notes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.db.models import Promotion
from core.db.repositories import promotions
from core.db.repositories.promotions import NO_EPOCH, EpochMoved
from core.durable import write_durably


@contextmanager
def applied() -> Iterator[None]:
    """The release is read from and written to an alias beside the database until the end of the block."""
    kept = (promotions.current, promotions.at_epoch, promotions.promote)
    promotions.current, promotions.at_epoch, promotions.promote = _current, _at_epoch, _promote
    try:
        yield
    finally:
        promotions.current, promotions.at_epoch, promotions.promote = kept


def _alias(session: Session) -> Path:
    return Path(str(session.get_bind().engine.url.database)).with_suffix(".alias.json")


def _current(session: Session) -> Promotion | None:
    alias = _alias(session)
    return Promotion(**json.loads(alias.read_bytes()), created_at=None) if alias.exists() else None


def _at_epoch(session: Session, epoch: int) -> Promotion | None:
    now = _current(session)
    return now if now is not None and now.epoch == epoch else None


def _promote(session: Session, *, expected_epoch: int, models: Mapping[str, str], **facts: Any) -> Promotion:
    now = _current(session)
    epoch = now.epoch if now else NO_EPOCH
    if epoch != expected_epoch:
        raise EpochMoved(expected_epoch, epoch)
    row = {"epoch": epoch + 1, "models": dict(models), "previous": dict(now.models) if now else {}, **facts}
    write_durably(_alias(session), json.dumps(row).encode())
    return session.merge(Promotion(**row))
