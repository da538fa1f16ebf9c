"""Products to ask about: the rows of a CSV, or the photos and texts of a folder."""

import csv
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PHOTOS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_REFERENCES = ("reference", "id", "", "product_id", "productid")  # the first column there is; "" is an index column
_CHALLENGE_PHOTO = "image_{imageid}_product_{productid}.jpg"


class BadSource(ValueError):
    """The file or folder is not what products are read from; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a batch.

    Attributes:
        reference: what the caller knows it by; no two of a batch have the same.
        designation: its title; None for a product that is only a photo.
        photo: path of its photo, or None.
    """

    reference: str
    designation: str | None
    description: str | None
    photo: Path | None

    def read_photo(self) -> bytes | None:
        """The photo's bytes; None without one.

        Raises:
            OSError: the file cannot be read.
        """
        return self.photo.read_bytes() if self.photo else None

    def key(self, photo: bytes | None, model: str | None) -> str:
        """The name under which it is asked: equal for equal content, so that asking again stages nothing again."""
        digest = hashlib.sha256()
        for part in (self.reference, self.designation, self.description, model):
            digest.update(b"-" if part is None else f"{len(part)}:{part}".encode("utf-8", "surrogatepass"))
        digest.update(b"-" if photo is None else hashlib.sha256(photo).digest())
        return f"batch-{digest.hexdigest()}"


def products_in(source: Path, images: Path | None = None) -> list[Product]:
    """Every product of a CSV or a folder.

    A CSV has a header with ``designation``, and may have ``description``, ``image`` (a path from ``images`` or from
    the CSV's folder), and ``reference`` or ``id``; the challenge's ``productid`` and ``imageid`` are understood. In a
    folder ``name.txt`` is a product's title (its first line) and description (the rest), ``name.jpg`` its photo, and
    either may be missing.

    Raises:
        BadSource: it is neither, two products have one reference, or a row cannot be read.
        OSError: it cannot be read.
    """
    found = list(_of_folder(source) if source.is_dir() else _of_csv(source, images or source.parent))
    seen: set[str] = set()
    for product in found:
        if product.reference in seen:
            raise BadSource(f"{source}: two products have the reference {product.reference!r}")
        if not product.reference.isprintable():
            raise BadSource(f"{source}: a reference has characters that cannot be printed: {product.reference!r}")
        seen.add(product.reference)
    return found


def _of_folder(folder: Path) -> Iterator[Product]:
    texts = {path.stem: path for path in folder.iterdir() if path.suffix.lower() == ".txt"}
    photos: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _PHOTOS and photos.setdefault(path.stem, path) != path:
            raise BadSource(f"{folder}: two photos are called {path.stem!r}")
    for name in sorted(texts.keys() | photos.keys()):
        title, _, rest = _read(texts[name]).partition("\n") if name in texts else ("", "", "")
        yield Product(name, title.strip() or None, rest.strip() or None, photos.get(name))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadSource(f"{path}: {error}") from error


def _of_csv(path: Path, images: Path) -> Iterator[Product]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        try:
            yield from _of_rows(rows, path, images)
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadSource(f"{path}, line {rows.line_num + 1}: {error}") from error


def _of_rows(rows: csv.DictReader, path: Path, images: Path) -> Iterator[Product]:
    columns = rows.fieldnames or []
    if "designation" not in columns:
        raise BadSource(f"{path}: the first line must name a column 'designation'")
    named = next((name for name in _REFERENCES if name in columns), None)
    for number, row in enumerate(rows, start=1):
        yield _of_row(row, str(number) if named is None else row[named] or str(number), images)


def _of_row(row: Mapping[str, str | None], reference: str, images: Path) -> Product:
    photo = row.get("image") or None
    if photo is None and row.get("imageid") and row.get("productid"):
        photo = _CHALLENGE_PHOTO.format_map(row)
    return Product(
        reference, row["designation"] or None, row.get("description") or None, images / photo if photo else None
    )
