"""What the checks of the invariants found, so that the service can tell without checking again."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.db.models import StoreCheck
from core.db.types import utc_now


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The newest check: violations by invariant (those that hold are absent), age by the database's clock."""

    violations: Mapping[str, int]
    complete: bool
    manifest: int | None
    age_s: float


def record(session: Session, *, complete: bool, manifest: int | None, broken: Iterable[str]) -> None:
    """Keep a check's result: how often each invariant in ``broken`` was (the job's log names row and file)."""
    counts = dict(sorted(Counter(broken).items()))
    session.add(StoreCheck(complete=complete, manifest=manifest, violations=counts))


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
