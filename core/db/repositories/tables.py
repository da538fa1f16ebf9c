"""Whole tables, for a backup and its restore: every row as plain values, whatever the database."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, Select, Table, func, insert, select
from sqlalchemy.orm import Session

from core.db.models import Base, Prediction, Promotion, SegmentClaim
from core.db.types import utc_now

TABLES: tuple[Table, ...] = tuple(Base.metadata.sorted_tables)
"""Every table, each after those it refers to."""

_FETCH = 1_000  # rows held by the driver at a time
_CHUNK = 500  # rows a statement


def rows_of(session: Session, table: Table) -> Iterator[dict[str, Any]]:
    """Every row in the order of its key, with moments and bytes as text: values that JSON can say."""
    for row in session.execute(select_rows(table).execution_options(yield_per=_FETCH)):
        yield {column.name: _to_plain(value) for column, value in zip(table.columns, row, strict=True)}


def insert_rows(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert what ``rows_of`` gave; returns how many rows.

    A column that is None is left out of the statement: it is nullable and has no default, and a JSON column that is
    named would be given JSON's null instead of the database's.
    """
    count = 0
    plain = ({name: value for name, value in row.items() if value is not None} for row in rows)
    decoders = {column.name: decode for column in table.columns if (decode := _decoder(column))}
    for names, alike in groupby(plain, key=tuple):
        coded = [name for name in names if name in decoders]
        chunk: list[dict[str, Any]] = []
        for row in alike:
            chunk.append(row | {name: decoders[name](row[name]) for name in coded})
            if len(chunk) == _CHUNK:
                count += _insert(session, table, chunk)
        count += _insert(session, table, chunk)
    return count


def _insert(session: Session, table: Table, chunk: list[dict[str, Any]]) -> int:
    """Insert and empty ``chunk``."""
    number = len(chunk)
    if chunk:
        session.execute(insert(table), chunk)
        chunk.clear()
    return number


def filled(session: Session) -> list[str]:
    """Names of the tables that hold a row."""
    return [table.name for table in TABLES if session.execute(select_rows(table).limit(1)).first() is not None]


def now(session: Session) -> datetime:
    """The database's clock."""
    return session.execute(select(utc_now())).scalar_one()


def newest_manifest(session: Session) -> int | None:
    """The newest manifest that a batch was marked with, None before the first batch."""
    return session.scalar(select(func.max(SegmentClaim.manifest)))


def photos(session: Session) -> Iterator[str]:
    """The sha256 of every photo that a prediction names."""
    return iter(session.scalars(select_photos()))


def packages(session: Session) -> set[str]:
    """The sha of every package that was ever released."""
    return {sha for models in session.scalars(select(Promotion.models)) for sha in models.values()}


def select_rows(table: Table) -> Select[Any]:
    """Every row in the order of its key."""
    return select(table).order_by(*table.primary_key.columns)


def select_photos() -> Select[tuple[str | None]]:
    """Photos of predictions, each once."""
    return select(Prediction.image_sha256).where(Prediction.image_sha256.is_not(None)).distinct()


def _to_plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value.hex() if isinstance(value, bytes) else value


def _decoder(column: Column[Any]) -> Callable[[str], Any] | None:
    """What undoes ``_to_plain`` for a column, None where there is nothing to undo."""
    if isinstance(column.type, DateTime):
        return datetime.fromisoformat
    return bytes.fromhex if isinstance(column.type, LargeBinary) else None
