"""All labelled products of a catalogue as one training store: clusters and cached features as the product has them."""

import csv
from dataclasses import dataclass
from pathlib import Path

from core.db.migrate import migrate
from core.db.session import make_engine, make_sessions
from core.domain.taxonomy import Taxonomy
from core.settings import DatabaseSettings, ServingSettings, StoreSettings
from core.store import manifests
from core.store.snapshot import Snapshot
from preprocessing.catalogue import Catalogue, CatalogueItem
from preprocessing.ingest.base import import_catalogue


@dataclass(frozen=True, slots=True)
class Products:
    """What the study is run on.

    Attributes:
        store: where it is.
        snapshot: every product; their splits are the import's and play no part.
        taxonomy: its categories.
    """

    store: StoreSettings
    snapshot: Snapshot
    taxonomy: Taxonomy


def open_products(data: Path, folder: Path) -> Products:
    """Import ``data`` into ``folder``, unless that has been done; the test file joins in where its codes are known.

    Raises:
        BadCatalogue: a file, a row or a photo cannot be read.
        BadTaxonomy: the catalogue's ``taxonomy.csv`` cannot be one.
    """
    store = StoreSettings(root=folder)
    if manifests.newest(store.training) is None:
        _import(data, folder, store)
    return Products(store, Snapshot.open(store.training), Taxonomy.from_csv(store.root / "taxonomy.csv"))


def _import(data: Path, folder: Path, store: StoreSettings) -> None:
    joined = folder / "catalogue"
    _join(data, joined)
    engine = make_engine(DatabaseSettings(url=f"sqlite:///{folder}/etalon.db"), patient=True)
    migrate(engine)
    import_catalogue(make_sessions(engine), store, ServingSettings(), joined)
    engine.dispose()


def _join(data: Path, joined: Path) -> None:
    """Write a catalogue whose training file has every product of ``data`` with a known code; photos are links."""
    catalogue = Catalogue(data)
    known = (data / "Y_test_oracle.csv").is_file()
    items = [*catalogue.labelled(), *(catalogue.unlabelled() if known else [])]
    photos = joined / "images" / "image_train"
    photos.mkdir(parents=True, exist_ok=True)
    if (data / "taxonomy.csv").is_file():
        (joined / "taxonomy.csv").write_bytes((data / "taxonomy.csv").read_bytes())
    products = [_product(at, item, photos) for at, item in enumerate(items)]
    _write(joined / "X_train_update.csv", ["", "designation", "description", "productid", "imageid"], products)
    codes = [[at, item.prdtypecode] for at, item in enumerate(items)]
    _write(joined / "Y_train_CVw08PX.csv", ["", "prdtypecode"], codes)


def _product(at: int, item: CatalogueItem, photos: Path) -> list[object]:
    """One line of the joined catalogue; its number is its id, since two files may use one id twice."""
    if item.photo is not None:
        link = photos / f"image_{at}_product_{at}.jpg"
        link.unlink(missing_ok=True)
        link.symlink_to(item.photo.resolve())
    return [at, item.designation, item.description or "", at, at if item.photo else ""]


def _write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
