"""The archive as an extra test set: a catalogue of unlabelled products in the challenge's layout.

X_test_update.csv     ,designation,description,productid,imageid     numbered as they lie in the archive
archive.csv           productid,prediction_id,suggested_code,confidence,model_version,reason,rejected_at
images/image_test/    image_<n>_product_<n>.jpg
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.durable import make_folder, write_durably
from core.errors import Conflict
from preprocessing.archive.parcel import PHOTO, BadParcel, Parcel

_ARCHIVE_COLUMNS = (
    "productid",
    "prediction_id",
    "suggested_code",
    "confidence",
    "model_version",
    "reason",
    "rejected_at",
)


class FolderNotEmpty(Conflict):
    """The test set's folder holds something already."""

    code = "archive.folder_not_empty"


def write_test_set(parcels: Iterable[Parcel], folder: Path) -> int:
    """Write every parcel as a product of the catalogue in ``folder``; returns how many.

    Raises:
        FolderNotEmpty: something lies there.
        BadParcel: a parcel is not what was archived.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderNotEmpty(f"{folder} is not empty: name a new folder")
    photos = make_folder(folder / "images" / "image_test")
    products: list[list[Any]] = []
    origins: list[list[Any]] = []
    for number, parcel in enumerate(parcels):
        product = parcel.product
        photo = parcel.files.get(PHOTO)
        if photo is not None:
            write_durably(photos / f"image_{number}_product_{number}.jpg", photo)
        try:
            products.append([number, product["designation"], product["description"], number, number if photo else ""])
            origins.append([number, *_origin(product)])
        except (KeyError, TypeError) as error:
            raise BadParcel(f"{parcel.day}/{parcel.name}: product.json lacks {error}") from error
    columns = ("", "designation", "description", "productid", "imageid")
    write_durably(folder / "X_test_update.csv", _csv(columns, products))
    write_durably(folder / "archive.csv", _csv(_ARCHIVE_COLUMNS, origins))
    return len(products)


def _origin(product: dict[str, Any]) -> list[Any]:
    suggestion, rejected = product["suggestion"], product["rejected"]
    return [
        product["prediction_id"],
        suggestion["prdtypecode"],
        suggestion["confidence"],
        suggestion["model"]["version"],
        rejected["reason"],
        rejected["at"],
    ]


def _csv(columns: Iterable[str], rows: Iterable[list[Any]]) -> bytes:
    """RFC 4180, UTF-8, LF; None is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
