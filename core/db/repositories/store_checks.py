"""What the checks of the invariants found, so that the service can tell without checking again."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Select, delete, select
from sqlalchemy.orm import Session

from core.db.models import StoreCheck
from core.db.types import utc_now

KEPT = timedelta(days=30)
"""How long a result is kept: there is one an hour, and only the newest is looked at by a program."""


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The newest check: violations by invariant (those that hold are absent), age by the database's clock."""

    violations: Mapping[str, int]
    complete: bool
    manifest: int | None
    age_s: float


def record(session: Session, *, complete: bool, manifest: int | None, broken: Iterable[str]) -> None:
    """Keep a check's result: how often each invariant in ``broken`` was (the job's log names row and file).

    Results older than ``KEPT``, by the database's clock, are forgotten.
    """
    counts = dict(sorted(Counter(broken).items()))
    session.add(StoreCheck(complete=complete, manifest=manifest, violations=counts))
    now: datetime = session.execute(select(utc_now())).scalar_one()
    session.execute(delete_of_old(now - KEPT), execution_options={"synchronize_session": False})


def delete_of_old(before: datetime) -> Delete:
    """Forget what was found before."""
    return delete(StoreCheck).where(StoreCheck.checked_at < before)


def newest(session: Session) -> LastCheck | None:
    """The newest check's result, None before the first."""
    found = session.execute(select_newest()).one_or_none()
    if found is None:
        return None
    violations, complete, manifest, checked_at, now = found
    return LastCheck(violations, complete, manifest, max(0.0, (now - checked_at).total_seconds()))


def select_newest() -> Select[tuple[dict[str, Any], bool, int | None, datetime, datetime]]:
    """The statement behind ``newest``."""
    columns = (StoreCheck.violations, StoreCheck.complete, StoreCheck.manifest, StoreCheck.checked_at, utc_now())
    return select(*columns).order_by(StoreCheck.id.desc()).limit(1)
