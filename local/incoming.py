"""Products that arrive while the system runs, with the code that a knowing reviewer would give each."""

import csv
import random
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path


class NoIncomingProducts(RuntimeError):
    """The catalogue leaves nothing to arrive."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One product with its photo's path (None where there is no such file) and its true code."""

    designation: str
    description: str | None
    image: Path | None
    prdtypecode: int


def read_incoming(data: Path, products_of_base: Path, seed: int) -> list[Incoming]:
    """The products to come, in an order that ``seed`` decides.

    They are those of ``X_test_update.csv`` where ``Y_test_oracle.csv`` tells their codes, else the training
    products that the base (a segment's ``products.csv``) does not hold.

    Raises:
        NoIncomingProducts: there are none.
    """
    csv.field_size_limit(sys.maxsize)
    if (data / "X_test_update.csv").exists() and (data / "Y_test_oracle.csv").exists():
        found = list(_products(data, "X_test_update.csv", "Y_test_oracle.csv", "image_test"))
    else:
        held = {row["product_id"] for row in _rows(products_of_base)}
        found = list(_products(data, "X_train_update.csv", "Y_train_CVw08PX.csv", "image_train", held))
    if not found:
        raise NoIncomingProducts(f"{data} has no products besides the base; import less of it (--base, --limit)")
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, not a secret
    return found


def _products(data: Path, x: str, y: str, images: str, without: Collection[str] = ()) -> Iterator[Incoming]:
    codes = {row[""]: int(row["prdtypecode"]) for row in _rows(data / y)}
    for row in _rows(data / x):
        if row["productid"] in without or row[""] not in codes:
            continue
        photo = data / "images" / images / f"image_{row['imageid']}_product_{row['productid']}.jpg"
        yield Incoming(
            row["designation"], row["description"] or None, photo if photo.is_file() else None, codes[row[""]]
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
