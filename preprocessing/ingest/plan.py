"""What an import will hold, decided before any of it counts: which products, where each belongs, who stays.

Copies (the same words, the same photo, or nearly so) share a cluster, and the cluster decides the split, over *all*
products of the catalogue. Only then are training products thinned, so that hold-out and validation keep their full
size.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from core.domain.clusters import Signature, group_copies
from core.domain.splits import Split, split_of_base, unit_interval
from core.domain.taxonomy import Taxonomy
from core.settings import ServingSettings
from core.store.rows import TrainingRow
from preprocessing.catalogue import BadCatalogue, CatalogueItem
from preprocessing.images import BadImage, ImageFolder, sanitise
from preprocessing.ingest.copies import Copies, count_copies
from preprocessing.ingest.fingerprints import Marks, find_near, marks_of, sign_photo
from preprocessing.ingest.parallel import map_in_order

_log = logging.getLogger(__name__)
_PROGRESS_EVERY = 500  # products


@dataclass(frozen=True, slots=True)
class Plan:
    """The import decided, before any of it counts: one placed row a product of the catalogue, and which of them stay.

    ``survives`` says which products thinning leaves alone; ``stays`` adds those that are no training rows. ``marks``
    are aligned with ``found``; ``copies`` and ``photos_lost`` (named, but not there) count over all of it.
    """

    survives: list[bool]
    found: list[TrainingRow]
    marks: list[Marks]
    copies: Copies
    photos_lost: int

    @property
    def stays(self) -> list[bool]:
        """Aligned with ``found``."""
        pairs = zip(self.found, self.survives, strict=True)
        return [survives or row.split != Split.TRAIN for row, survives in pairs]

    @property
    def rows(self) -> list[TrainingRow]:
        """Those of ``found`` that stay: the base segment, in its order."""
        return list(compress(self.found, self.stays))

    @property
    def marks_of_rows(self) -> list[Marks]:
        """Aligned with ``rows``."""
        return list(compress(self.marks, self.stays))


def make_plan(items: Sequence[CatalogueItem], photos: "Photos", *, base: float) -> Plan:
    """Place every product, and thin the training ones to the share ``base``; ``photos`` keeps those of who stays.

    Raises:
        BadCatalogue: a photo is missing or cannot be decoded.
    """
    survives = [unit_interval("thin", item.product_id) < base for item in items]
    plan = _place(items, survives, photos.visit(items, survives))
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
            raise BadCatalogue(
                f"{item.origin}: prdtypecode {item.prdtypecode} is not in taxonomy {taxonomy.version}; correct "
                "the row, or give the catalogue a taxonomy.csv (prdtypecode,label,theme) that has it"
            )


@dataclass(frozen=True, slots=True)
class Visited:
    """A product's photo: the sha256 of its sanitised bytes, "" without one, and its signature, if it has one."""

    sha256: str
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Photos:
    """Sanitises the catalogue's photos; only products that are sure to stay get theirs stored."""

    folder: ImageFolder
    limits: ServingSettings
    writable: bool

    def visit(self, items: Sequence[CatalogueItem], keep: Sequence[bool]) -> list[Visited]:
        """Each product's photo as it is stored; stores the photos of those in ``keep``."""
        visited: list[Visited] = []
        for one in map_in_order(self._visit_one, list(zip(items, keep, strict=True))):
            visited.append(one)
            if len(visited) % _PROGRESS_EVERY == 0 or len(visited) == len(items):
                _log.info("import.photos", extra={"done": len(visited), "of": len(items)})
        return visited

    def _visit_one(self, visit: tuple[CatalogueItem, bool]) -> Visited:
        item, keep = visit
        data = item.read_photo()
        if data is None:
            return Visited("", None)
        try:
            photo = sanitise(data, max_bytes=self.limits.max_upload_bytes, max_pixels=self.limits.max_image_pixels)
        except BadImage as error:
            raise BadCatalogue(
                f"{item.origin}: photo {item.photo}: {error}; replace the file, or remove it to import the text alone"
            ) from error
        if keep and self.writable:
            self.folder.put(photo)
        return Visited(photo.sha256, sign_photo(photo.data))


def _place(items: Sequence[CatalogueItem], survives: list[bool], photos: Sequence[Visited]) -> Plan:
    """Give every product of the catalogue its cluster and its split."""
    marks = [
        marks_of(item.product_id, item.designation, item.description, photo.sha256, photo.signature)
        for item, photo in zip(items, photos, strict=True)
    ]
    near = find_near({mark: signature for one in marks for mark, signature in one.signatures.items()})
    clusters = group_copies([one.fingerprints for one in marks], near)
    rows = [_row(item, photo.sha256, cluster) for item, photo, cluster in zip(items, photos, clusters, strict=True)]
    return Plan(survives, rows, marks, count_copies(rows, marks, near), sum(item.photo_lost for item in items))


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
