"""Taking a backup beside a running system."""

import json
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.backup.files import copy, flush_folders, make_private, only_writer, write_private
from core.backup.record import RECORD, Record, Refused, Stored, sha256_of
from core.db.migrate import newest_revision, revision_of
from core.db.one_moment import one_moment
from core.db.repositories import tables
from core.durable import flush, write_durably
from core.registry.claims import claiming
from core.registry.packages import MANIFEST, DroppedPackage, dropped_path, encoders_of, open_package
from core.settings import StoreSettings
from core.store import manifests
from core.store.manifests import Manifest
from core.store.segments import read_products, segment_folder

_PROGRESS_EVERY = 1_000  # files
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Dump:
    """The database at one moment, and what the store must hold to go with it."""

    revision: str
    taken_at: str
    rows: dict[str, int]
    files: tuple[Stored, ...]
    manifest: int | None
    photos: frozenset[str]
    packages: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file of the store: where it is, where it goes in the backup, where it belongs, what it holds."""

    source: Path
    file: str
    target: str
    sha256: str


def back_up(engine: Engine, store: StoreSettings, folder: Path) -> Record:
    """Write a backup into ``folder``; what an earlier one left there and is still the same is not copied again.

    The earlier backup stays valid until the new one is finished and replaces it.

    Raises:
        Refused: another backup is being written there, or the database is not at this program's schema.
        WrongContent: a file of the store is missing or damaged; ``make fsck`` says more.
        EtalonError: a manifest, a segment's products or a package cannot be read.
        OSError: the disk refused.
    """
    with only_writer(folder):
        published = manifests.numbers(store.training)  # before the database is read: what it knows is at least this
        dump = _dump_database(engine, folder, published)
        with claiming(store.packages):  # retention waits: what is wanted is there until it is copied
            wanted = list(_wanted(store, dump))
            stored = tuple(_copy(wanted, folder))
        record = Record(dump.revision, dump.taken_at, dump.manifest, dump.rows, dump.files, stored)
        flush_folders(folder / one.file for one in record.everything)
        write_durably(folder / RECORD, record.to_bytes())
        (folder / RECORD).chmod(0o600)
        _prune(folder, record)
    return record


def _dump_database(engine: Engine, folder: Path, published: list[int]) -> _Dump:
    with one_moment(engine) as session:
        revision = revision_of(session.connection())
        if revision is None or revision != newest_revision():
            raise Refused(f"the database is at revision {revision}, this program at {newest_revision()}: migrate first")
        files, rows = zip(*(_dump_table(session, folder, table) for table in tables.TABLES), strict=True)
        marked = tables.newest_manifest(session)
        return _Dump(
            revision=revision,
            taken_at=tables.now(session).isoformat(),
            rows={file.target: count for file, count in zip(files, rows, strict=True)},
            files=files,
            manifest=marked if marked is not None else (published[-1] if published else None),
            photos=frozenset(tables.photos(session)),
            packages=frozenset(tables.packages(session)),
        )


def _dump_table(session: Session, folder: Path, table: tables.Table) -> tuple[Stored, int]:
    """Write one table; its file is named by its content, so that an earlier backup's is not touched."""
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for line in table_lines(session, table):
            count += 1
            yield line

    draft = folder / "database" / f".{table.name}.new"
    sha256, size = write_private(draft, lines())
    name = f"database/{table.name}.{sha256[:16]}.jsonl"
    draft.replace(folder / name)
    _log.info("backup.table", extra={"table": table.name, "rows": count})
    return Stored(name, table.name, sha256, size), count


def table_lines(session: Session, table: tables.Table) -> Iterator[bytes]:
    """A table as its file holds it."""
    for row in tables.rows_of(session, table):
        yield (json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def _wanted(store: StoreSettings, dump: _Dump) -> Iterator[_Wanted]:
    """Every file to copy; manifests come last, so that a restored store is empty until it is whole."""
    photos = set(dump.photos)
    chain = [manifests.read(store.training, number) for number in range(1, (dump.manifest or 0) + 1)]
    if chain:
        photos |= _photos_of(store.training, chain[-1])
        yield from _segment_files(store, chain[-1])
    for path in (store.root / "taxonomy.csv", store.root / "guidelines.csv"):
        if path.is_file():
            sha256 = sha256_of(path)
            yield _Wanted(path, f"store/{path.stem}.{sha256[:16]}.csv", path.name, sha256)
    for sha256 in sorted(photos):
        yield _plain(store, store.images / sha256, sha256)
    yield from _package_files(store, dump.packages)
    for manifest in chain:
        yield _plain(store, manifests.manifest_path(store.training, manifest.number), manifest.sha256)


def _plain(store: StoreSettings, path: Path, sha256: str) -> _Wanted:
    target = path.relative_to(store.root).as_posix()
    return _Wanted(path, f"store/{target}", target, sha256)


def _photos_of(training: Path, newest: Manifest) -> set[str]:
    """Photos of the live rows; those of retracted rows may have been erased."""
    dead = {(stone.segment, stone.row) for stone in newest.tombstones}
    return {
        row.image_sha256
        for segment in newest.segments
        for at, row in enumerate(read_products(training, segment))
        if row.image_sha256 and (segment.name, at) not in dead
    }


def _segment_files(store: StoreSettings, newest: Manifest) -> Iterator[_Wanted]:
    for segment in newest.segments:
        for name, file in segment.files.items():
            yield _plain(store, segment_folder(store.training, segment.name) / name, file.sha256)


def _package_files(store: StoreSettings, named: Collection[str]) -> Iterator[_Wanted]:
    left, seen = sorted(named), set(named)
    while left:
        sha = left.pop()
        try:
            package = open_package(store.packages, sha, rehash=False)
        except DroppedPackage:
            if sha not in named:
                raise
            record = dropped_path(store.packages, sha)
            yield _plain(store, record, sha256_of(record))  # what is restored knows, too, why it is not there
            continue
        for name, sha256 in package.files.items():
            yield _plain(store, package.path / name, sha256)
        yield _plain(store, package.path / MANIFEST, sha256_of(package.path / MANIFEST))
        needed = [sha for sha in encoders_of(package) if sha not in seen]
        left += needed
        seen.update(needed)


def _copy(wanted: list[_Wanted], folder: Path) -> Iterator[Stored]:
    copied = 0
    for number, one in enumerate(wanted, start=1):
        copied += copy(one.source, folder / one.file, one.sha256)
        if number % _PROGRESS_EVERY == 0 or number == len(wanted):
            _log.info("backup.files", extra={"done": number, "of": len(wanted), "copied": copied})
        yield Stored(one.file, one.target, one.sha256, (folder / one.file).stat().st_size)


def _prune(folder: Path, record: Record) -> None:
    """Remove what this backup does not name: tables of the one before, erased photos, what a killed writer left."""
    named = {folder / one.file for one in record.everything}
    for part in ("database", "store"):
        make_private(folder / part)
        for path in (folder / part).rglob("*"):
            if path.is_file() and path not in named:
                path.unlink()
        flush(folder / part)
