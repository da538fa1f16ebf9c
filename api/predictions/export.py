"""Predictions as one CSV for spreadsheets, written while they are read: it takes the memory of a page, however long.

RFC 4180, UTF-8, CRLF after every line. A spreadsheet takes text that begins with certain characters for a formula, so
such text gets an apostrophe before it, and text that begins with an apostrophe gets another: to have the text as it was
sent, take one leading apostrophe away.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from api.predictions.schemas import final_code, names_of
from core.db.models import Prediction
from core.db.repositories import predictions
from core.db.repositories.predictions import Filter, Order, Position
from core.domain.taxonomy import Taxonomy

_PAGE_ROWS = 200
# "=" and its kin begin a formula in every spreadsheet, their full-width forms in some; white space before them is cut.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")

COLUMNS = (
    "id",
    "created_at",
    "updated_at",
    "owner",
    "status",
    "version",
    "designation",
    "description",
    "has_image",
    "modality",
    "prdtypecode",
    "label",
    "theme",
    "suggested_code",
    "confidence",
    "final_code",
    "model",
    "model_version",
    "epoch",
    "feedback",
    "feedback_code",
    "feedback_reason",
)


def write(readers: sessionmaker[Session], wanted: Filter, taxonomy: Taxonomy) -> Iterator[bytes]:
    """The file in pieces, oldest prediction first; the first piece has the header and the first rows.

    Each piece is read in a transaction of its own, so a slow reader holds no lock and no connection: a row stands as
    it was when its piece was read. Predictions made after the export began are not in it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer; from the second piece on this cuts the file.
    """
    after: Position | None = None
    lines: list[tuple[str, ...]] = [COLUMNS]
    while True:
        with readers() as session:
            wanted = _until_now(session, wanted) if after is None else wanted
            rows = predictions.page(session, wanted, order=Order.OLDEST, after=after, limit=_PAGE_ROWS)
        lines += [_cells(row, taxonomy) for row in rows]
        yield _encode(lines)
        if len(rows) < _PAGE_ROWS:
            return
        after, lines = Position(rows[-1].id), []


def _until_now(session: Session, wanted: Filter) -> Filter:
    now = predictions.now(session)
    return replace(wanted, created_until=min(now, wanted.created_until or now))


def _encode(lines: list[tuple[str, ...]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(lines)
    return out.getvalue().encode()


def _cells(row: Prediction, taxonomy: Taxonomy) -> tuple[str, ...]:
    """One line; the columns are ``COLUMNS``."""
    values = (
        row.id,
        row.created_at,
        row.updated_at,
        row.owner_id,
        row.status,
        row.version,
        row.designation,
        row.description,
        row.image_sha256 is not None,
        row.modality,
        row.current_code,
        *names_of(row.current_code, taxonomy),
        row.suggested_code,
        row.confidence,
        final_code(row),
        row.model_name,
        row.model_version,
        row.epoch,
        row.feedback,
        row.feedback_code,
        row.feedback_reason,
    )
    return tuple(_cell(value) for value in values)


def _cell(value: str | float | datetime | None) -> str:
    """One cell; bools are ``true`` and ``false``, moments (naive UTC) RFC 3339, None is empty."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(timespec="microseconds") + "Z"
        case str():
            return f"'{value}" if value.startswith(_FORMULA) else value
    return str(value)
