"""Which of some titles a person has sent already."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db.models import Prediction

_CHUNK = 500  # titles a statement: SQLite and MySQL both bound what one may hold


def sent(session: Session, owner_id: str, titles: Collection[str]) -> set[str]:
    """Those of ``titles`` that the account has sent; a product that is gone without a trace counts as never sent."""
    wanted = sorted(titles)
    found: set[str] = set()
    for at in range(0, len(wanted), _CHUNK):
        found.update(session.scalars(select_sent(owner_id, wanted[at : at + _CHUNK])))
    return found


def select_sent(owner_id: str, titles: Sequence[str]) -> Select[tuple[str]]:
    """The statement behind ``sent``."""
    return select(Prediction.designation).where(Prediction.owner_id == owner_id, Prediction.designation.in_(titles))
