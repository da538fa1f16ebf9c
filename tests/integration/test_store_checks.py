"""Results of the hourly check are kept for a month."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from core.db.models import StoreCheck
from core.db.repositories import store_checks
from core.db.session import make_sessions
from core.db.types import utc_now


def test_a_check_forgets_what_was_found_more_than_a_month_ago(engine: Engine) -> None:
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        now: datetime = session.execute(select(utc_now())).scalar_one()
        for age in (timedelta(days=31), timedelta(days=29)):
            old = {"checked_at": now - age, "complete": False, "violations": {}}
            session.add(StoreCheck(manifest=age.days, **old))
    with sessions.begin() as session:
        store_checks.record(session, complete=True, manifest=1, broken=["I2"])
    with sessions() as session:
        kept = session.scalars(select(StoreCheck.manifest).order_by(StoreCheck.id)).all()
        newest = store_checks.newest(session)
    assert kept == [29, 1]
    assert newest is not None
    assert newest.violations == {"I2": 1}
