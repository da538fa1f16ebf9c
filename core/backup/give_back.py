"""Giving a backup back to an empty place."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.backup.files import copy, flush_folders
from core.backup.record import CorruptBackup, Record, Refused, Stored, read_record, sha256_of, verify
from core.backup.take import table_lines
from core.db.migrate import migrate, newest_revision, revision_of
from core.db.repositories import tables
from core.db.session import make_sessions
from core.settings import StoreSettings
from core.store import training_csv

_PROGRESS_EVERY = 1_000  # files
_OURS = ("images", "training", "packages", "taxonomy.csv", "guidelines.csv")
"""What a store's root holds besides caches."""

_log = logging.getLogger(__name__)


def restore(engine: Engine, store: StoreSettings, folder: Path) -> Record:
    """Bring the backup in ``folder`` into an empty store and an empty database.

    A restore that was interrupted may simply be repeated: the database is filled last, in one transaction.

    Raises:
        NoBackup: there is no finished backup.
        CorruptBackup: names each file that is missing or changed; nothing was written.
        Refused: the store or the database is not empty, or the backup is of another schema; nothing was written.
    """
    record = read_record(folder)
    if record.revision != newest_revision():
        raise Refused(
            f"the backup has schema {record.revision}, this program {newest_revision()}: restore it with its own"
        )
    verify(folder, record, lambda done: _report("restore.verified", done, len(record.everything)))
    _require_empty_database(engine, record)
    _require_empty_store(store, record)
    for number, stored in enumerate(record.files, start=1):
        copy(folder / stored.file, store.root / stored.target, stored.sha256)
        _report("restore.files", number, len(record.files))
    flush_folders(store.root / stored.target for stored in record.files)
    with make_sessions(engine).begin() as session:
        for stored in record.tables:
            _fill(session, folder, stored)
    if record.manifest is not None:
        training_csv.refresh(store.training)
    return record


def _report(event: str, done: int, of: int) -> None:
    if done % _PROGRESS_EVERY == 0 or done == of:
        _log.info(event, extra={"done": done, "of": of})


def _require_empty_database(engine: Engine, record: Record) -> None:
    with engine.connect() as connection:
        revision = revision_of(connection)
    if revision is None:
        revision = migrate(engine).after
    if revision != record.revision:
        raise Refused(f"the database has schema {revision}, the backup {record.revision}")
    with make_sessions(engine)() as session:
        filled = tables.filled(session)
    if filled:
        raise Refused(f"the database is not empty: it has rows in {', '.join(filled)}")


def _require_empty_store(store: StoreSettings, record: Record) -> None:
    """What an interrupted restore of the same backup left may stay."""
    known = {store.root / stored.target: stored.sha256 for stored in record.files}
    for path in _files_of(store.root):
        if not path.name.endswith(".aside") and (path not in known or sha256_of(path) != known[path]):
            raise Refused(f"{store.root} is not empty: it holds {path.relative_to(store.root)}")


def _files_of(root: Path) -> Iterator[Path]:
    for name in _OURS:
        paths = (root / name).rglob("*") if (root / name).is_dir() else [root / name]
        yield from (path for path in paths if path.is_file())


def _fill(session: Session, folder: Path, stored: Stored) -> None:
    """Insert one table's rows, and see that the database gives them back as they were."""
    table = next(table for table in tables.TABLES if table.name == stored.target)
    with (folder / stored.file).open("rb") as file:
        rows = tables.insert_rows(session, table, map(json.loads, file))
    digest = hashlib.sha256()
    for line in table_lines(session, table):
        digest.update(line)
    if digest.hexdigest() != stored.sha256:
        raise CorruptBackup(f"the database does not give back table {table.name} as {stored.file} holds it")
    _log.info("restore.table", extra={"table": table.name, "rows": rows})
