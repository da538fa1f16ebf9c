"""One product of the training store, and the CSV it is kept in.

RFC 4180, UTF-8, LF after every row. Every column is text: "NA", "null" and "" are what the seller wrote, and CR,
LF and quotes inside a text survive unchanged. Spreadsheet formulas are left alone (exports escape them).
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields

from core.errors import Invalid

_MUST_QUOTE = frozenset('",\r\n')
_LONGEST_FIELD = 16 * 1024 * 1024  # characters; Python's own limit of 131,072 is less than some HTML descriptions


class BadRows(Invalid):
    """A products file that cannot be one."""

    code = "store.bad_rows"


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One product with its accepted code, in the column order of ``products.csv``.

    Attributes:
        product_id: the catalogue's id, or the prediction's where a product came through the API.
        prediction_id: "" for imported products.
        designation: title as sent.
        description: text as sent, "" when there was none.
        prdtypecode: the accepted code.
        image_sha256: name of the sanitised photo, "" for products without one (their tensor is zero).
        source: "base", "validated" or "auto".
        split: "train", "validation", "holdout", "fresh" or "none".
        cluster: which products are copies of this one.
        reviewer: id of the account that accepted the code, "" for imported products.
        validated_at: UTC, ISO 8601 with microseconds and Z, "" for imported products.
        model_version_shown: sha256 of the package whose suggestion the reviewer saw, "" for imported products.
    """

    product_id: str
    prediction_id: str
    designation: str
    description: str
    prdtypecode: int
    image_sha256: str
    source: str
    split: str
    cluster: str
    reviewer: str
    validated_at: str
    model_version_shown: str


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(TrainingRow))


def encode_rows(rows: Iterable[TrainingRow]) -> Iterator[bytes]:
    """The file, line by line, header first: a pure function of the rows, on every version of Python."""
    yield _line(COLUMNS)
    for row in rows:
        yield _line([str(value) for value in astuple(row)])


def _line(values: Iterable[str]) -> bytes:
    return (",".join(_quote(value) for value in values) + "\n").encode()


def _quote(value: str) -> str:
    if _MUST_QUOTE.isdisjoint(value):
        return value
    return '"' + value.replace('"', '""') + '"'


def decode_rows(data: bytes, name: str) -> list[TrainingRow]:
    """Read what ``encode_rows`` wrote; ``name`` is the file's name for errors.

    Raises:
        BadRows: other columns, a line that is too short or too long, a code that is no integer, or no UTF-8.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        reader = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise BadRows(f"{name}: expected columns {', '.join(COLUMNS)}. Received: {header}")
        return [_row(values, name, reader.line_num) for values in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadRows(f"{name}: {error}") from error


def decode_records(data: bytes, name: str) -> list[TrainingRow]:
    """Read some whole lines of such a file, without its header; raises what ``decode_rows`` raises."""
    return decode_rows(_line(COLUMNS) + data, name)


_CODE = COLUMNS.index("prdtypecode")


def _row(values: list[str], name: str, line: int) -> TrainingRow:
    if len(values) != len(COLUMNS):
        raise BadRows(f"{name} line {line}: expected {len(COLUMNS)} columns. Received: {len(values)}")
    try:
        code = int(values[_CODE])
    except ValueError as error:
        raise BadRows(f"{name} line {line}: prdtypecode is no integer. Received: {values[_CODE]!r}") from error
    return TrainingRow(*values[:_CODE], code, *values[_CODE + 1 :])
