"""Stocking the reserve: what a catalogue holds besides the base, for whoever wants to try a model on it."""

import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from core.domain.splits import unit_interval
from core.durable import flush, flush_tree, make_folder
from core.reserve import IMAGES, PRODUCTS, Reserve, Spare, encode
from core.settings import ServingSettings, StoreSettings
from core.store.durable import aside_folder, sweep
from core.store.rows import decode_rows
from core.store.segments import BASE_SEGMENT, segment_folder
from core.store.segments import PRODUCTS as ROWS
from preprocessing.catalogue import BadCatalogue, Catalogue, CatalogueItem
from preprocessing.images import BadImage, ImageTooLarge, SanitisedImage, sanitise
from preprocessing.ingest.parallel import map_in_order

_log = logging.getLogger(__name__)


def stock_reserve(store: StoreSettings, limits: ServingSettings, data: Path) -> int:
    """Put some of a catalogue's products that are not in the base aside, whole or not at all.

    They are those of its test file; where it has none, those that the import left out. A product whose photo cannot be
    read is passed over: nothing depends on it. A reserve that is there stays.

    Args:
        store: where the base lies; ``reserve_products`` is how many are kept at most.
        limits: largest photo accepted.
        data: the catalogue's folder.

    Returns:
        How many products the reserve holds.
    """
    if store.reserve.exists():
        return len(Reserve(store.reserve).products())
    try:
        unseen = _drawn(_unseen(store, Catalogue(data)))
    except BadCatalogue as error:  # of the test file, which the base does not need
        _log.warning("reserve.no_catalogue", extra={"reason": str(error)})
        return 0
    found = (one for one in map_in_order(lambda item: _sanitised(item, limits), unseen) if one is not None)
    return _write(store.reserve, list(islice(found, store.reserve_products)))


def _unseen(store: StoreSettings, catalogue: Catalogue) -> list[CatalogueItem]:
    if catalogue.has_unlabelled:
        return catalogue.unlabelled()
    path = segment_folder(store.training, BASE_SEGMENT) / ROWS
    base = {row.product_id for row in decode_rows(path.read_bytes(), str(path))}
    return [item for item in catalogue.labelled() if item.product_id not in base]


def _drawn(items: list[CatalogueItem]) -> list[CatalogueItem]:
    """An order that does not follow the file's: its neighbours may be of one kind."""
    return sorted(items, key=lambda item: unit_interval("reserve", item.product_id))


def _sanitised(item: CatalogueItem, limits: ServingSettings) -> tuple[Spare, SanitisedImage | None] | None:
    """A product as an upload of it would be kept; None where it could not be sent."""
    title = " ".join(item.designation.split())
    try:
        photo = _photo(item, limits)
    except (BadCatalogue, BadImage) as error:
        _log.warning("reserve.passed_over", extra={"product": item.origin, "reason": str(error)})
        return None
    if not title:
        return None
    return Spare(item.product_id, title, item.description or "", photo.sha256 if photo else ""), photo


def _photo(item: CatalogueItem, limits: ServingSettings) -> SanitisedImage | None:
    data = item.read_photo()
    if data is None:
        return None
    photo = sanitise(data, max_bytes=limits.max_upload_bytes, max_pixels=limits.max_image_pixels)
    if len(photo.data) > limits.max_upload_bytes:  # it would be uploaded as it is kept
        raise ImageTooLarge(f"{item.photo} has {len(photo.data)} bytes once it is re-encoded")
    return photo


def _write(folder: Path, products: Sequence[tuple[Spare, SanitisedImage | None]]) -> int:
    if not products:
        return 0
    sweep(make_folder(folder.parent))
    with aside_folder(folder) as aside:
        (aside / IMAGES).mkdir()
        for _, photo in products:
            if photo is not None:
                (aside / IMAGES / photo.sha256).write_bytes(photo.data)
        (aside / PRODUCTS).write_bytes(encode(spare for spare, _ in products))
        flush_tree(aside)
        aside.rename(folder)
    flush(folder.parent)
    return len(products)
