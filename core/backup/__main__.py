"""``python -m core.backup backup --to FOLDER | restore --from FOLDER | drill --from FOLDER``.

backup   writes what the database at DB_URL and the store at STORE_ROOT hold
restore  fills an empty database and an empty store, then checks every invariant
drill    restores into a temporary place, checks it, and leaves nothing

Progress goes to standard error as JSON lines; the last line on standard output is one JSON object. Exit 0: done.
1: refused or failed, or the check of what was restored found violations; which, is said.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from core.backup.give_back import restore
from core.backup.record import Record
from core.backup.take import back_up
from core.db.session import make_engine
from core.errors import EtalonError
from core.logging import configure_logging
from core.settings import DatabaseSettings, StoreSettings

_ROOT = Path(__file__).resolve().parents[2]
_log = logging.getLogger(__name__)


def main() -> int:
    """Run one verb; returns the exit status."""
    arguments = _parser().parse_args()
    configure_logging()
    try:
        return arguments.run(arguments)
    except EtalonError as error:
        print(f"{arguments.verb} refused ({error.code}): {error}", file=sys.stderr)
    except (SQLAlchemyError, OSError) as error:
        _log.exception("backup.failed", extra={"verb": arguments.verb})
        print(f"{arguments.verb} failed: {getattr(error, 'orig', None) or error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.backup", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("backup", help="write a backup; into the folder of an earlier one, what is new")
    verb.add_argument("--to", type=Path, required=True, dest="folder", help="the backup's folder")
    verb.set_defaults(run=_backup)
    for name, run, text in (
        ("restore", _restore, "fill an empty database and an empty store, and check them"),
        ("drill", _drill, "restore into a temporary place, check it, and leave nothing"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--from", type=Path, required=True, dest="folder", help="the backup's folder")
        verb.set_defaults(run=run)
    verb.add_argument("--scratch", type=Path, help="where the temporary place is made (default: the system's)")
    return parser


def _backup(arguments: argparse.Namespace) -> int:
    started = monotonic()
    engine = make_engine(DatabaseSettings())
    try:
        record = back_up(engine, StoreSettings(), arguments.folder)
    finally:
        engine.dispose()
    print(f"backup of {record.taken_at} in {arguments.folder}")
    print(json.dumps(_summary(record, started)))
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    return _restore_into(DatabaseSettings(), StoreSettings(), arguments.folder)


def _drill(arguments: argparse.Namespace) -> int:
    with TemporaryDirectory(prefix="restore-drill-", dir=arguments.scratch) as scratch:
        database = DatabaseSettings(url=f"sqlite:///{scratch}/etalon.db")
        return _restore_into(database, StoreSettings(root=Path(scratch) / "store"), arguments.folder)


def _restore_into(database: DatabaseSettings, store: StoreSettings, folder: Path) -> int:
    started = monotonic()
    engine = make_engine(database)
    try:
        record = restore(engine, store, folder)
    finally:
        engine.dispose()
    print(f"restored the backup of {record.taken_at} into {store.root}; now checking it")
    violations = _check(database, store, record)
    print(json.dumps({**_summary(record, started), "violations": violations}))
    return 0 if violations == 0 else 1


def _check(database: DatabaseSettings, store: StoreSettings, record: Record) -> int:
    """Run the same check as ``make fsck``, with leases as they stood when the backup was taken."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "DB_URL": database.url.get_secret_value(),
        "STORE_ROOT": str(store.root),
    }
    check = [sys.executable, "-m", "preprocessing.ingest", "fsck", "--full", "--as-of", record.taken_at]
    done = subprocess.run(check, env=environment, stdout=subprocess.PIPE, text=True)
    *lines, last = done.stdout.splitlines() or [""]
    print("\n".join(lines), end="\n" if lines else "")
    try:
        return int(json.loads(last)["violations"])
    except (ValueError, KeyError) as error:
        raise SystemExit(f"the check of what was restored failed with exit status {done.returncode}") from error


def _summary(record: Record, started: float) -> dict[str, object]:
    return {
        "taken_at": record.taken_at,
        "manifest": record.manifest,
        "rows": sum(record.rows.values()),
        "predictions": record.rows["prediction"],
        "verdicts": record.rows["verdict"],
        "files": len(record.everything),
        "bytes": sum(stored.size for stored in record.everything),
        "seconds": round(monotonic() - started, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
