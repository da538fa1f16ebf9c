"""Readings of the watch over the model's answers, and the episodes that were told of.

Whoever watches writes readings and moves episodes in one transaction. Of two runs at once one moves an episode: the
guarded statement, or the primary key, lets one in.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db.models import QualityEpisode, QualityReading
from core.db.types import utc_now
from core.domain.watch import Episode, Finding, Step, Watched, step

KEPT = timedelta(days=800)
"""How long a reading is kept: two years and a month more to compare with."""
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        kind: of what.
        model_version: sha256 of the package that it is about; None: of no single one.
        rows: verdicts or products that were looked at.
        through: the newest of them: a verdict's number, or a prediction's id.
        value: the figure; accuracy: share of right suggestions, calibration: expected calibration error, text and
            images: share of the spread that the window's newness explains. In [0, 1].
        low: lower end of its interval, where it has one.
        high: upper end.
        threshold: what the figure is held against.
        chance: how often chance alone makes it so bad, where a test says.
        finding: what it says.
        detail: further figures as plain JSON; no user text.
    """

    kind: Watched
    model_version: str | None
    rows: int
    through: str
    value: float
    threshold: float
    finding: Finding
    detail: dict[str, Any]
    low: float | None = None
    high: float | None = None
    chance: float | None = None


def record(session: Session, run_key: str, reading: Reading) -> None:
    """Write a reading of the run ``run_key`` (at most 250 characters); readings older than ``KEPT`` are forgotten.

    Raises:
        sqlalchemy.exc.IntegrityError: the run has read this kind before; roll back.
    """
    session.add(QualityReading(run_key=run_key, **asdict(reading)))
    session.flush()
    session.execute(delete_of_old(_now(session) - KEPT), execution_options=_UNSYNCHRONISED)


def move_episode(session: Session, kind: Watched, finding: Finding, run_key: str) -> Step:
    """Begin, tell again or end the episode of ``kind`` as the finding asks; what this transaction did.

    Of two at once one moves it; the other did nothing.
    """
    row = session.scalars(select_episode(kind), execution_options={"populate_existing": True}).one_or_none()
    known = Episode(row.told_at, row.ended_at is not None) if row is not None else None
    taken = step(finding, known, _now(session))
    if taken is Step.NOTHING:
        return taken
    if row is None:
        return taken if _insert(session, kind, run_key) else Step.NOTHING
    if taken is Step.END:
        statement = update_of_end(kind, row.told_at)
    else:
        statement = (update_of_begin if taken is Step.BEGIN else update_of_telling)(kind, row.told_at, run_key)
    return taken if session.execute(statement, execution_options=_UNSYNCHRONISED).rowcount == 1 else Step.NOTHING


def _insert(session: Session, kind: Watched, run_key: str) -> bool:
    try:
        # A statement of its own and no savepoint: after a duplicate the transaction goes on, on every database.
        session.execute(insert_of_episode(kind, run_key))
    except IntegrityError:
        return False
    return True


def told_by(session: Session, run_key: str) -> list[Watched]:
    """What the run ``run_key`` began or told again, in the order of ``Watched``: the same whenever it is asked."""
    found = set(session.scalars(select_told_by(run_key)))
    return [kind for kind in Watched if kind in found]


def episodes(session: Session) -> Sequence[QualityEpisode]:
    """The newest episode of everything that ever had one; it lasts while ``ended_at`` is None."""
    return session.scalars(select_episodes()).all()


def of_run(session: Session, run_key: str) -> dict[Watched, QualityReading]:
    """What a run read."""
    return {Watched(row.kind): row for row in session.scalars(select_of_run(run_key))}


def newest(session: Session) -> dict[Watched, QualityReading]:
    """The newest reading of each kind that has one."""
    found = {Watched(row.kind): row for row in session.scalars(select_newest())}
    return {kind: found[kind] for kind in Watched if kind in found}


def page(session: Session, *, kind: Watched | None, before: int, limit: int) -> Sequence[QualityReading]:
    """The newest ``limit`` readings with numbers below ``before``, newest first, of one kind or of all."""
    return session.scalars(select_page(kind, before).limit(limit)).all()


def between(session: Session, since: datetime, until: datetime) -> Sequence[QualityReading]:
    """The readings from ``since`` until before ``until`` (both naive UTC), oldest first."""
    return session.scalars(select_between(since, until)).all()


def select_newest() -> Select[tuple[QualityReading]]:
    """The statement behind ``newest``."""
    last = select(func.max(QualityReading.id)).group_by(QualityReading.kind)
    return select(QualityReading).where(QualityReading.id.in_(last))


def select_page(kind: Watched | None, before: int) -> Select[tuple[QualityReading]]:
    """The statement behind ``page``, without its limit."""
    statement = select(QualityReading).where(QualityReading.id < before).order_by(QualityReading.id.desc())
    return statement if kind is None else statement.where(QualityReading.kind == kind)


def select_between(since: datetime, until: datetime) -> Select[tuple[QualityReading]]:
    """The statement behind ``between``."""
    within = QualityReading.at >= since, QualityReading.at < until
    return select(QualityReading).where(*within).order_by(QualityReading.id)


def select_of_run(run_key: str) -> Select[tuple[QualityReading]]:
    """The statement behind ``of_run``."""
    return select(QualityReading).where(QualityReading.run_key == run_key)


def select_episode(kind: Watched) -> Select[tuple[QualityEpisode]]:
    """The newest episode of one kind."""
    return select(QualityEpisode).where(QualityEpisode.kind == kind)


def select_episodes() -> Select[tuple[QualityEpisode]]:
    """The statement behind ``episodes``."""
    return select(QualityEpisode).order_by(QualityEpisode.kind)


def select_told_by(run_key: str) -> Select[tuple[str]]:
    """The statement behind ``told_by``."""
    return select(QualityEpisode.kind).where(QualityEpisode.run_key == run_key)


def insert_of_episode(kind: Watched, run_key: str) -> Insert:
    """The first episode of a kind."""
    values = {"kind": kind.value, "begun_at": utc_now(), "told_at": utc_now(), "told": 1, "run_key": run_key}
    return insert(QualityEpisode).values(values)


def update_of_begin(kind: Watched, told_at: datetime, run_key: str) -> Update:
    """A later episode, after one that was told last at ``told_at`` and has ended."""
    moment = {"begun_at": utc_now(), "told_at": utc_now()}
    ended = *_as_seen(kind, told_at), QualityEpisode.ended_at.is_not(None)
    return update(QualityEpisode).where(*ended).values(**moment, told=1, run_key=run_key, ended_at=None)


def update_of_telling(kind: Watched, told_at: datetime, run_key: str) -> Update:
    """The episode lasts, and is told again."""
    lasts = *_as_seen(kind, told_at), QualityEpisode.ended_at.is_(None)
    return update(QualityEpisode).where(*lasts).values(told_at=utc_now(), told=QualityEpisode.told + 1, run_key=run_key)


def update_of_end(kind: Watched, told_at: datetime) -> Update:
    """The episode is over."""
    lasts = *_as_seen(kind, told_at), QualityEpisode.ended_at.is_(None)
    return update(QualityEpisode).where(*lasts).values(ended_at=utc_now())


def delete_of_old(before: datetime) -> Delete:
    """Forget what was read before."""
    return delete(QualityReading).where(QualityReading.at < before)


def _as_seen(kind: Watched, told_at: datetime) -> tuple[Any, Any]:
    return QualityEpisode.kind == kind.value, QualityEpisode.told_at == told_at


def _now(session: Session) -> datetime:
    return session.scalars(select(utc_now())).one()
