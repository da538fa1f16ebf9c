"""The reserve: a catalogue's products that nobody has labelled, for whoever wants to try a model on one.

    reserve/products.csv      product_id, designation, description, image_sha256
    reserve/images/<sha256>   photos as an upload is kept; a product without one has an empty image_sha256

An import writes it whole, before it has its name; the service reads it. No code is in it.
"""

import csv
import io
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from core.errors import Unavailable

PRODUCTS = "products.csv"
IMAGES = "images"


class CorruptReserve(Unavailable):
    """The reserve's list cannot be read; importing again after removing the folder writes it anew."""

    code = "reserve.corrupt"


@dataclass(frozen=True, slots=True)
class Spare:
    """One product of the reserve.

    Attributes:
        product_id: the catalogue's id.
        designation: title on one line.
        description: text as written, "" where there is none.
        image_sha256: name of its photo, "" where it has none.
    """

    product_id: str
    designation: str
    description: str
    image_sha256: str


_COLUMNS = [field.name for field in fields(Spare)]


def encode(spares: Iterable[Spare]) -> bytes:
    """The list as a file: RFC 4180, UTF-8, LF."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(spare) for spare in spares)
    return out.getvalue().encode()


class Reserve:
    """Reads the list again only when the file is another one.

    Args:
        folder: the reserve's; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PRODUCTS
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], tuple[Spare, ...]] | None = None

    def products(self) -> Sequence[Spare]:
        """Every product, in the file's order; none where there is no reserve.

        Raises:
            CorruptReserve: the file is no such list.
        """
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return ()
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, tuple(self._rows()))
            return self._read[1]

    def _rows(self) -> Iterator[Spare]:
        csv.field_size_limit(16 * 1024 * 1024)
        try:
            reader = csv.reader(io.StringIO(self._path.read_text(encoding="utf-8"), newline=""), strict=True)
            if next(reader, []) != _COLUMNS:
                raise CorruptReserve(f"{self._path}: expected columns {', '.join(_COLUMNS)}")
            yield from (Spare(*values) for values in reader)
        except (OSError, UnicodeDecodeError, csv.Error, TypeError) as error:
            raise CorruptReserve(f"{self._path} cannot be read: {error}") from error
