"""The import of a catalogue: segment ``000000-base`` and the manifest that names it, normally manifest 1.

Copies (the same words or the same photo) share a cluster, and the cluster decides the split, over *all* products
of the catalogue. Only then are training products thinned, so that hold-out and validation keep their full size.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import clusters, ingest
from core.db.repositories.clusters import Member
from core.domain.clusters import Placement, group_copies
from core.domain.splits import Split, split_of_base, unit_interval
from core.domain.taxonomy import Taxonomy
from core.durable import write_durably
from core.errors import Conflict
from core.settings import ServingSettings, StoreSettings
from core.store import manifests, training_csv
from core.store.manifests import Manifest, append_segment
from core.store.rows import TrainingRow, encode_rows
from core.store.segments import BASE_SEGMENT, PRODUCTS, SegmentDiffers, segment_folder, write_segment
from preprocessing.catalogue import BadCatalogue, Catalogue, CatalogueItem
from preprocessing.images import BadImage, ImageFolder, sanitise
from preprocessing.ingest.append import active_taxonomy
from preprocessing.ingest.fingerprints import fingerprints_of
from preprocessing.ingest.parallel import map_in_order
from preprocessing.ingest.tensors import tensors_of

_log = logging.getLogger(__name__)
_PROGRESS_EVERY = 500  # products
_DEFAULT_TAXONOMY = Path(__file__).resolve().parents[2] / "data" / "taxonomy.csv"


class BaseExists(Conflict):
    """The training store already holds something else; an import never replaces it."""

    code = "ingest.base_exists"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import found and wrote.

    Attributes:
        segment: name of the base segment.
        rows: products in it.
        manifest: the first manifest that names it.
        splits: its rows by split.
        classes: distinct codes among its rows.
        thinned: training products of the catalogue left out.
        duplicates: products of the catalogue that are copies of an earlier one.
        conflicting_clusters: clusters whose copies do not all have the same code.
        taxonomy_version: of the categories that are now active.
        already_there: this very base had been imported before; nothing was written.
    """

    segment: str
    rows: int
    manifest: int
    splits: dict[str, int]
    classes: int
    thinned: int
    duplicates: int
    conflicting_clusters: int
    taxonomy_version: str
    already_there: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """The import decided, before any of it counts: one placed row a product of the catalogue, and which of them stay.

    ``survives`` says which products thinning leaves alone; ``stays`` adds those that are no training rows.
    """

    items: list[CatalogueItem]
    survives: list[bool]
    found: list[TrainingRow]

    @property
    def stays(self) -> list[bool]:
        pairs = zip(self.found, self.survives, strict=True)
        return [survives or row.split != Split.TRAIN for row, survives in pairs]

    @property
    def rows(self) -> list[TrainingRow]:
        return list(compress(self.found, self.stays))


def import_catalogue(
    sessions: sessionmaker[Session],
    store: StoreSettings,
    limits: ServingSettings,
    data: Path,
    *,
    base: float = 1.0,
    limit: int | None = None,
) -> Imported:
    """Make the labelled products of a catalogue the base of the training store.

    Args:
        sessions: sessions that write.
        store: where the store is.
        limits: largest photo accepted, in bytes and pixels.
        data: folder in the challenge's layout.
        base: share of the training products to keep, 0..1; hold-out and validation products all stay.
        limit: look at only this many products, drawn by a hash of their ids (None: all).

    Raises:
        BadCatalogue: a file, a row or a photo cannot be read; nothing was published.
        BadTaxonomy: the catalogue's ``taxonomy.csv`` cannot be one.
        BaseExists: the store holds another base, or rows without one, or the database belongs to another store.
    """
    held = _what_is_held(sessions, store)
    catalogue = Catalogue(data)
    taxonomy = catalogue.taxonomy() or Taxonomy.from_csv(_DEFAULT_TAXONOMY)
    items = _draw(catalogue.labelled(), limit)
    _require_known_codes(items, taxonomy)
    survives = [unit_interval("thin", item.product_id) < base for item in items]
    photos = _Photos(ImageFolder(store.images), limits, writable=held is None)
    plan = _Plan(items, survives, _place(items, photos.visit(items, survives)))
    if held is not None:
        return _confirm_same(store, held, plan, taxonomy)
    late = [stays and not survived for stays, survived in zip(plan.stays, survives, strict=True)]
    photos.visit(list(compress(items, late)), [True] * sum(late))
    manifest = _publish(sessions, store, plan, taxonomy)
    return _report(plan, manifest, taxonomy, already_there=False)


def _what_is_held(sessions: sessionmaker[Session], store: StoreSettings) -> Manifest | None:
    """The manifest of an earlier import, None where a base can still be laid."""
    held = manifests.newest(store.training)
    with sessions() as session:
        claimed = ingest.last_segment(session)
    if held is not None and held.segment(BASE_SEGMENT) is None:
        raise BaseExists(f"{store.training} holds rows without a base; a base has to come first")
    if held is None and claimed:
        raise BaseExists(f"the database has claimed {claimed} segments, {store.training} is empty: not a pair")
    return held


def _draw(items: list[CatalogueItem], limit: int | None) -> list[CatalogueItem]:
    """Take ``limit`` products, the same whatever their order in the file; they stay in that order."""
    if limit is None or limit >= len(items):
        return items
    chosen = sorted(range(len(items)), key=lambda at: unit_interval("limit", items[at].product_id))[:limit]
    return [items[at] for at in sorted(chosen)]


def _require_known_codes(items: Sequence[CatalogueItem], taxonomy: Taxonomy) -> None:
    for item in items:
        if item.prdtypecode not in taxonomy:
            raise BadCatalogue(f"{item.origin}: prdtypecode {item.prdtypecode} is not in taxonomy {taxonomy.version}")


@dataclass(frozen=True, slots=True)
class _Photos:
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


def _confirm_same(store: StoreSettings, held: Manifest, plan: _Plan, taxonomy: Taxonomy) -> Imported:
    """An import that was done before is no error. The rows name their photos by sha256, so they say it all."""
    published = held.segment(BASE_SEGMENT)
    data = b"".join(encode_rows(plan.rows))
    active = active_taxonomy(store)
    if published is None or published.files[PRODUCTS].sha256 != hashlib.sha256(data).hexdigest():
        raise BaseExists(f"{store.training} already holds a base with other products; use another STORE_ROOT")
    if active.version != taxonomy.version:
        raise BaseExists(
            f"{store.root} already has taxonomy {active.version}, this catalogue brings {taxonomy.version}"
        )
    training_csv.refresh(store.training)
    manifest = append_segment(store.training, published, taxonomy_version=taxonomy.version)
    return _report(plan, manifest, taxonomy, already_there=True)


def _publish(sessions: sessionmaker[Session], store: StoreSettings, plan: _Plan, taxonomy: Taxonomy) -> int:
    """Write everything the manifest will stand for, then the manifest; returns its number."""
    write_durably(store.root / "taxonomy.csv", taxonomy.to_csv().encode())
    rows = plan.rows
    try:
        segment = write_segment(store.training, BASE_SEGMENT, rows, tensors_of(rows, ImageFolder(store.images)))
    except SegmentDiffers as error:
        raise BaseExists(
            f"an interrupted import of other products left {segment_folder(store.training, BASE_SEGMENT)}; "
            "remove that folder and import again"
        ) from error
    failpoints.reach("import.written")
    with sessions.begin() as session:
        clusters.replace_all(session, _members(rows))
    failpoints.reach("import.registered")
    manifest = append_segment(store.training, segment, taxonomy_version=taxonomy.version)
    failpoints.reach("import.published")
    training_csv.refresh(store.training)
    return manifest


def _members(rows: Iterable[TrainingRow]) -> list[Member]:
    return [
        Member(mark, Placement(row.cluster, Split(row.split)))
        for row in rows
        for mark in fingerprints_of(row.product_id, row.designation, row.description, row.image_sha256)
    ]


def _report(plan: _Plan, manifest: int, taxonomy: Taxonomy, *, already_there: bool) -> Imported:
    rows = plan.rows
    codes: defaultdict[str, set[int]] = defaultdict(set)
    for row in plan.found:
        codes[row.cluster].add(row.prdtypecode)
    return Imported(
        segment=BASE_SEGMENT,
        rows=len(rows),
        manifest=manifest,
        splits=dict(sorted(Counter(row.split for row in rows).items())),
        classes=len({row.prdtypecode for row in rows}),
        thinned=len(plan.found) - len(rows),
        duplicates=len(plan.found) - len(codes),
        conflicting_clusters=sum(len(known) > 1 for known in codes.values()),
        taxonomy_version=taxonomy.version,
        already_there=already_there,
    )
