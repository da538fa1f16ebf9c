"""The challenge's file layout: products and codes in two CSV files, photos in a folder.

    X_train_update.csv    ,designation,description,productid,imageid
    Y_train_CVw08PX.csv   ,prdtypecode
    X_test_update.csv     as X_train; optional, and so are its codes in Y_test_oracle.csv
    images/image_train/   image_<imageid>_product_<productid>.jpg, image_test likewise; optional
    taxonomy.csv          prdtypecode,label,theme; optional

Every column is read as text: a title "NA" or "null" is a title. A product whose photo is not in its folder is a
product without a photo, and says so; but where the folder holds files and none of them is a product's, their names
are wrong, and that is refused.
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.taxonomy import Taxonomy
from core.errors import Invalid

MOST_CODE = 2**53 - 1
"""The largest code: beyond it JSON's readers round."""

_PRODUCT_COLUMNS = ("", "designation", "description", "productid", "imageid")
_TEST_PRODUCTS = "X_test_update.csv"
_CODE_COLUMNS = ("", "prdtypecode")


class BadCatalogue(Invalid):
    """A catalogue's file is missing, or one of its rows cannot be read; the message names both."""

    code = "catalogue.bad_file"


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One product of the catalogue.

    Attributes:
        origin: file and line it was read from, for messages.
        index: its row's name in the first column, as written.
        product_id: the catalogue's own id, digits.
        designation: title as written.
        description: text as written, None where the column is empty.
        prdtypecode: its code, None where the catalogue does not tell.
        photo: path of its photo, None where it has none.
        photo_lost: it has an imageid, but no such file was found.
    """

    origin: str
    index: str
    product_id: str
    designation: str
    description: str | None
    prdtypecode: int | None
    photo: Path | None
    photo_lost: bool = False

    def read_photo(self) -> bytes | None:
        """The photo file's bytes, not yet sanitised; None for a product without one.

        Raises:
            BadCatalogue: the file is missing or cannot be read.
        """
        if self.photo is None:
            return None
        try:
            return self.photo.read_bytes()
        except OSError as error:
            raise BadCatalogue(f"{self.origin}: photo {self.photo} cannot be read: {error.strerror}") from error


class Catalogue:
    """A folder in the challenge's layout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def taxonomy(self) -> Taxonomy | None:
        """The catalogue's own categories, None where it brings none.

        Raises:
            BadTaxonomy: the file is there but cannot be one.
        """
        path = self.folder / "taxonomy.csv"
        return Taxonomy.from_csv(path) if path.is_file() else None

    def labelled(self) -> list[CatalogueItem]:
        """The labelled products, in the file's order.

        Raises:
            BadCatalogue: a file is missing, a row cannot be read, or products and codes are out of step.
        """
        return self._items("X_train_update.csv", "Y_train_CVw08PX.csv", "image_train")

    @property
    def has_unlabelled(self) -> bool:
        """Whether there is a test file."""
        return (self.folder / _TEST_PRODUCTS).is_file()

    def unlabelled(self) -> list[CatalogueItem]:
        """The products of the test file, with their codes where ``Y_test_oracle.csv`` tells them.

        Raises:
            BadCatalogue: as for ``labelled``.
        """
        codes = "Y_test_oracle.csv"
        return self._items(_TEST_PRODUCTS, codes if (self.folder / codes).is_file() else None, "image_test")

    def _items(self, products: str, codes: str | None, photos: str) -> list[CatalogueItem]:
        rows = list(self._rows(products, _PRODUCT_COLUMNS))
        folder = self.folder / "images" / photos
        files = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        known = list(self._rows(codes, _CODE_COLUMNS)) if codes else None
        if known is not None and len(known) != len(rows):
            raise BadCatalogue(f"{codes} has {len(known)} rows, {products} has {len(rows)}")
        items = [
            self._item(origin, values, known[at] if known is not None else None, folder, files)
            for at, (origin, values) in enumerate(rows)
        ]
        lost = [item for item in items if item.photo_lost]
        if files and lost and not any(item.photo for item in items):
            raise BadCatalogue(
                f"{folder} holds {len(files)} files, but no photo of any product in {products}: they must be named "
                f"like {_photo_name(*rows[items.index(lost[0])][1][3:])}; remove the folder to import texts alone"
            )
        return items

    def _item(
        self,
        origin: str,
        values: Sequence[str],
        known: tuple[str, Sequence[str]] | None,
        folder: Path,
        files: Collection[str],
    ) -> CatalogueItem:
        index, designation, description, product_id, image_id = values
        if not product_id.isdecimal() or not (image_id.isdecimal() or not image_id):
            raise BadCatalogue(f"{origin}: productid and imageid are digits. Received: {product_id!r}, {image_id!r}")
        name = _photo_name(product_id, image_id)
        found = bool(image_id) and name in files
        code = _code(index, *known) if known else None
        return CatalogueItem(
            origin,
            index,
            product_id,
            designation,
            description or None,
            code,
            folder / name if found else None,
            photo_lost=bool(image_id) and not found,
        )

    def _rows(self, name: str, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        """Yield ``(file and line, values in the order of columns)`` of each row."""
        csv.field_size_limit(16 * 1024 * 1024)
        reader = csv.reader(io.StringIO(self._text(name), newline=""), strict=True)
        try:
            header = next(reader, [])
            if sorted(header) != sorted(columns):
                raise BadCatalogue(f"{name}: expected columns {list(columns)}. Received: {header}")
            places = [header.index(column) for column in columns]
            for values in reader:
                origin = f"{name} line {reader.line_num}"
                if len(values) != len(header):
                    raise BadCatalogue(f"{origin}: expected {len(header)} columns. Received: {len(values)}")
                yield origin, [values[place] for place in places]
        except csv.Error as error:
            raise BadCatalogue(f"{name} line {reader.line_num}: {error}") from error

    def _text(self, name: str) -> str:
        try:
            data = (self.folder / name).read_bytes()
        except OSError as error:
            raise BadCatalogue(f"{self.folder / name} cannot be read: {error.strerror}") from error
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise BadCatalogue(f"{name} line {line}: not UTF-8 ({error.reason})") from error


def _photo_name(product_id: str, image_id: str) -> str:
    return f"image_{image_id}_product_{product_id}.jpg"


def _code(index: str, origin: str, values: Sequence[str]) -> int:
    if values[0] != index:
        raise BadCatalogue(f"{origin}: expected the code of product {index!r}. Received: that of {values[0]!r}")
    try:
        code = int(values[1])
    except ValueError as error:
        raise BadCatalogue(f"{origin}: prdtypecode is no integer. Received: {values[1]!r}") from error
    if not 0 <= code <= MOST_CODE:
        raise BadCatalogue(
            f"{origin}: prdtypecode lies between 0 and {MOST_CODE}; number the categories anew. Received: {code}"
        )
    return code
