"""The import of a catalogue: segment ``000000-base`` and the manifest that names it, normally manifest 1.

Photos, taxonomy, segment and fingerprints are written before the manifest that makes them count; an import that is
stopped anywhere is simply run again.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from core import failpoints
from core.db.repositories import clusters, ingest
from core.db.repositories.clusters import Member
from core.db.session import transact
from core.domain.clusters import Placement
from core.domain.splits import Split
from core.domain.taxonomy import BadTaxonomy, Category, Taxonomy
from core.durable import make_folder, write_durably
from core.errors import Conflict
from core.settings import ServingSettings, StoreSettings
from core.store import manifests, training_csv
from core.store.manifests import Manifest, append_segment
from core.store.rows import encode_rows
from core.store.segments import BASE_SEGMENT, PRODUCTS, SegmentDiffers, segment_folder, write_segment
from preprocessing.catalogue import MOST_CODE, Catalogue, CatalogueItem
from preprocessing.images import ImageFolder
from preprocessing.ingest.append import active_taxonomy
from preprocessing.ingest.copies import Copies
from preprocessing.ingest.guidelines import guidelines_for, keep_guidelines
from preprocessing.ingest.plan import Photos, Plan, draw, make_plan, require_known_codes
from preprocessing.ingest.tensors import tensors_of

_DEFAULT_TAXONOMY = Path(__file__).resolve().parents[2] / "data" / "taxonomy.csv"
_OF_THE_CHALLENGE = 0.9  # share of a catalogue's codes from which on it is taken for the challenge's
_log = logging.getLogger(__name__)


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
        photos_lost: products of the catalogue, thinned or not, whose photo is not there; they have their text alone.
        copies: what of the catalogue, thinned or not, is a copy of something else in it.
        taxonomy_version: of the categories that are now active.
        already_there: this very base had been imported before; nothing was written.
    """

    segment: str
    rows: int
    manifest: int
    splits: dict[str, int]
    classes: int
    thinned: int
    photos_lost: int
    copies: Copies
    taxonomy_version: str
    already_there: bool


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
        BadCatalogue: a file, a row or a photo cannot be read, or a code is not in the taxonomy; nothing was published.
        BadTaxonomy: the catalogue's ``taxonomy.csv`` cannot be one, or its codes are too large for the database.
        BadGuidelines: its ``guidelines.csv`` cannot be one, or is about other categories.
        BaseExists: the store holds another base, or rows without one, or the database belongs to another store.
    """
    held = _what_is_held(sessions, store)
    catalogue = Catalogue(data)
    labelled = catalogue.labelled()
    taxonomy = catalogue.taxonomy() or _taxonomy_for(labelled)
    items = draw(labelled, limit)
    require_known_codes(items, taxonomy)
    guidelines = guidelines_for(data, taxonomy)
    _require_room_for(taxonomy, sessions)
    plan = make_plan(items, Photos(ImageFolder(store.images), limits, writable=held is None), base=base)
    if held is not None:
        confirmed = _confirm_same(store, held, plan, taxonomy)
        keep_guidelines(store, guidelines)  # no model knows them: an import that changes nothing else may change them
        return confirmed
    manifest = _publish(sessions, store, plan, taxonomy)
    keep_guidelines(store, guidelines)
    return _report(plan, manifest, taxonomy, already_there=False)


def _taxonomy_for(items: Sequence[CatalogueItem]) -> Taxonomy:
    """The categories of a catalogue that brings none: the challenge's, or else the catalogue's codes by their numbers.

    Where nearly all codes are the challenge's, one that is not is a mistake, and the import will say so.
    """
    known = Taxonomy.from_csv(_DEFAULT_TAXONOMY)
    codes = {item.prdtypecode for item in items if item.prdtypecode is not None}
    if sum(code in known for code in codes) >= _OF_THE_CHALLENGE * len(codes):
        return known
    _log.warning("import.taxonomy_from_codes", extra={"codes": len(codes), "missing": "taxonomy.csv"})
    return Taxonomy([Category(code, str(code), str(code), "") for code in codes])


def _require_room_for(taxonomy: Taxonomy, sessions: sessionmaker[Session]) -> None:
    """Codes wait for their reviewers in columns of 32 bits on MySQL and MariaDB, of 64 on SQLite."""
    with sessions() as session:
        most = MOST_CODE if session.get_bind().dialect.name == "sqlite" else 2**31 - 1
    if taxonomy.codes[0] < 0 or taxonomy.codes[-1] > most:
        raise BadTaxonomy(
            f"on this database a prdtypecode lies between 0 and {most}: number the categories anew. "
            f"Received: {taxonomy.codes[0]} to {taxonomy.codes[-1]}"
        )


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


def _confirm_same(store: StoreSettings, held: Manifest, plan: Plan, taxonomy: Taxonomy) -> Imported:
    """An import that was done before is no error. The rows name their photos by sha256, so they say it all."""
    published = held.segment(BASE_SEGMENT)
    data = b"".join(encode_rows(plan.rows))
    active = active_taxonomy(store)
    if published is None or published.files[PRODUCTS].sha256 != hashlib.sha256(data).hexdigest():
        raise BaseExists(
            f"{store.training} already holds a base with other products; use another STORE_ROOT (make: STATE=folder)"
        )
    if active.version != taxonomy.version:
        raise BaseExists(
            f"{store.root} already has taxonomy {active.version}, this catalogue brings {taxonomy.version}"
        )
    training_csv.refresh(store.training)
    manifest = append_segment(store.training, published, taxonomy_version=taxonomy.version)
    return _report(plan, manifest, taxonomy, already_there=True)


def _publish(sessions: sessionmaker[Session], store: StoreSettings, plan: Plan, taxonomy: Taxonomy) -> int:
    """Write everything the manifest will stand for, then the manifest; returns its number."""
    write_durably(make_folder(store.root) / "taxonomy.csv", taxonomy.to_csv().encode())
    failpoints.reach("import.taxonomy")
    rows = plan.rows
    try:
        segment = write_segment(store.training, BASE_SEGMENT, rows, tensors_of(rows, ImageFolder(store.images)))
    except SegmentDiffers as error:
        raise BaseExists(
            f"an interrupted import of other products left {segment_folder(store.training, BASE_SEGMENT)}; "
            "remove that folder and import again"
        ) from error
    failpoints.reach("import.written")
    signatures = {mark: one for marks in plan.marks_of_rows for mark, one in marks.signatures.items()}
    transact(sessions, partial(clusters.replace_all, members=_members(plan), signatures=signatures))
    failpoints.reach("import.registered")
    manifest = append_segment(store.training, segment, taxonomy_version=taxonomy.version)
    failpoints.reach("import.published")
    training_csv.refresh(store.training)
    return manifest


def _members(plan: Plan) -> list[Member]:
    return [
        Member(mark, Placement(row.cluster, Split(row.split)))
        for row, marks in zip(plan.rows, plan.marks_of_rows, strict=True)
        for mark in marks.fingerprints
    ]


def _report(plan: Plan, manifest: int, taxonomy: Taxonomy, *, already_there: bool) -> Imported:
    rows = plan.rows
    return Imported(
        segment=BASE_SEGMENT,
        rows=len(rows),
        manifest=manifest,
        splits=dict(sorted(Counter(row.split for row in rows).items())),
        classes=len({row.prdtypecode for row in rows}),
        thinned=len(plan.found) - len(rows),
        photos_lost=plan.photos_lost,
        copies=plan.copies,
        taxonomy_version=taxonomy.version,
        already_there=already_there,
    )
