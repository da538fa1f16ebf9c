"""What an import will hold, decided before any of it counts: which products, where each belongs, who stays.

Copies (the same words or the same photo) share a cluster, and the cluster decides the split, over *all* products
of the catalogue. Only then are training products thinned, so that hold-out and validation keep their full size.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from core.domain.clusters import group_copies
from core.domain.splits import Split, split_of_base, unit_interval
from core.domain.taxonomy import Taxonomy
from core.settings import ServingSettings
from core.store.rows import TrainingRow
from preprocessing.catalogue import BadCatalogue, CatalogueItem
from preprocessing.images import BadImage, ImageFolder, sanitise
from preprocessing.ingest.fingerprints import fingerprints_of
from preprocessing.ingest.parallel import map_in_order

_log = logging.getLogger(__name__)
_PROGRESS_EVERY = 500  # products


@dataclass(frozen=True, slots=True)
class Plan:
    """The import decided, before any of it counts: one placed row a product of the catalogue, and which of them stay.

    ``survives`` says which products thinning leaves alone; ``stays`` adds those that are no training rows.
    """

    survives: list[bool]
    found: list[TrainingRow]

    @property
    def stays(self) -> list[bool]:
        """Aligned with ``found``."""
        pairs = zip(self.found, self.survives, strict=True)
        return [survives or row.split != Split.TRAIN for row, survives in pairs]

    @property
    def rows(self) -> list[TrainingRow]:
        """Those of ``found`` that stay: the base segment, in its order."""
        return list(compress(self.found, self.stays))


def make_plan(items: Sequence[CatalogueItem], photos: "Photos", *, base: float) -> Plan:
    """Place every product, and thin the training ones to the share ``base``; ``photos`` keeps those of who stays.

    Raises:
        BadCatalogue: a photo is missing or cannot be decoded.
    """
    survives = [unit_interval("thin", item.product_id) < base for item in items]
    plan = Plan(survives, _place(items, photos.visit(items, survives)))
    if not photos.writable:
        return plan
    late = [stays and not survived for stays, survived in zip(plan.stays, survives, strict=True)]
    photos.visit(list(compress(items, late)), [True] * sum(late))
    return plan


def draw(items: list[CatalogueItem], limit: int | None) -> list[CatalogueItem]:
    """Take ``limit`` products, the same whatever their order in the file; they stay in that order."""
    if limit is None or limit >= len(items):
        return items
    chosen = sorted(range(len(items)), key=lambda at: unit_interval("limit", items[at].product_id))[:limit]
    return [items[at] for at in sorted(chosen)]


def require_known_codes(items: Sequence[CatalogueItem], taxonomy: Taxonomy) -> None:
    """Refuse products of categories that nobody declared.

    Raises:
        BadCatalogue: names the first one by file and line.
    """
    for item in items:
        if item.prdtypecode not in taxonomy:
            raise BadCatalogue(f"{item.origin}: prdtypecode {item.prdtypecode} is not in taxonomy {taxonomy.version}")


@dataclass(frozen=True, slots=True)
class Photos:
    """Sanitises the catalogue's photos; only products that are sure to stay get theirs stored."""

    folder: ImageFolder
    limits: ServingSettings
    writable: bool

    def visit(self, items: Sequence[CatalogueItem], keep: Sequence[bool]) -> list[str]:
        """The sha256 of each product's sanitised photo, "" without one; stores the photos of those in ``keep``."""
        shas: list[str] = []
        for sha in map_in_order(self._visit_one, list(zip(items, keep, strict=True))):
            shas.append(sha)
            if len(shas) % _PROGRESS_EVERY == 0 or len(shas) == len(items):
                _log.info("import.photos", extra={"done": len(shas), "of": len(items)})
        return shas

    def _visit_one(self, visit: tuple[CatalogueItem, bool]) -> str:
        item, keep = visit
        data = item.read_photo()
        if data is None:
            return ""
        try:
            photo = sanitise(data, max_bytes=self.limits.max_upload_bytes, max_pixels=self.limits.max_image_pixels)
        except BadImage as error:
            raise BadCatalogue(f"{item.origin}: photo {item.photo}: {error}") from error
        if keep and self.writable:
            self.folder.put(photo)
        return photo.sha256


def _place(items: Sequence[CatalogueItem], shas: Sequence[str]) -> list[TrainingRow]:
    """Give every product of the catalogue its cluster and its split."""
    marks = [
        fingerprints_of(item.product_id, item.designation, item.description, sha)
        for item, sha in zip(items, shas, strict=True)
    ]
    return [_row(item, sha, cluster) for item, sha, cluster in zip(items, shas, group_copies(marks), strict=True)]


def _row(item: CatalogueItem, image_sha256: str, cluster: str) -> TrainingRow:
    if item.prdtypecode is None:
        raise BadCatalogue(f"{item.origin}: a labelled product has no code")
    return TrainingRow(
        product_id=item.product_id,
        prediction_id="",
        designation=item.designation,
        description=item.description or "",
        prdtypecode=item.prdtypecode,
        image_sha256=image_sha256,
        source="base",
        split=split_of_base(cluster).value,
        cluster=cluster,
        reviewer="",
        validated_at="",
        model_version_shown="",
    )
