"""``python -m preprocessing.archive run | fetch``.

``run`` brings rejected products into the archive, and takes out what its owners want gone. ``fetch`` writes the archive
as a catalogue in the challenge's layout: an extra test set, which ``make submission`` answers.

Progress goes to standard error as JSON lines; the last line on standard output is one JSON object.
Exit 0: done. 99: nothing to do. 1: refused or failed, said on standard error.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from core.db.session import make_engine, make_sessions
from core.domain.taxonomy import Taxonomy
from core.errors import EtalonError
from core.logging import configure_logging
from core.settings import DatabaseSettings, DriveSettings, StoreSettings
from preprocessing.archive.catalogue import write_test_set
from preprocessing.archive.delivery import Delivery
from preprocessing.archive.folder import FolderArchive
from preprocessing.archive.parcel import Archive
from preprocessing.images import ImageFolder

NOTHING_TO_DO = 99
_log = logging.getLogger(__name__)


def main() -> int:
    """Run one verb; returns the exit status."""
    arguments = _parser().parse_args()
    configure_logging()
    try:
        return arguments.run(arguments, StoreSettings(), DriveSettings())
    except EtalonError as error:
        print(f"{arguments.verb} refused ({error.code}): {error}", file=sys.stderr)
        return 1
    except (SQLAlchemyError, OSError) as error:
        _log.exception("archive.failed", extra={"verb": arguments.verb})
        print(f"{arguments.verb} failed: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m preprocessing.archive", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("run", help="archive what was rejected, remove what is to go").set_defaults(run=_run)
    verb = verbs.add_parser("fetch", help="write the archive as a catalogue of unlabelled products")
    verb.add_argument("--out", type=Path, required=True, help="a new or empty folder")
    verb.set_defaults(run=_fetch)
    return parser


def _run(arguments: argparse.Namespace, store: StoreSettings, drive: DriveSettings) -> int:
    taxonomy = Taxonomy.from_csv(store.root / "taxonomy.csv")
    engine = make_engine(DatabaseSettings())
    try:
        with _archives(store, drive) as archives:
            place = list(archives)[-1]
            done = Delivery(make_sessions(engine), ImageFolder(store.images), taxonomy, archives, place).run()
    finally:
        engine.dispose()
    print(json.dumps({**asdict(done), "place": place}))
    if done.failed:
        print(f"{done.failed} products cannot be archived; the log names them", file=sys.stderr)
        return 1
    return 0 if done.archived or done.removed else NOTHING_TO_DO


def _fetch(arguments: argparse.Namespace, store: StoreSettings, drive: DriveSettings) -> int:
    with _archives(store, drive) as archives:
        archive = list(archives.values())[-1]
        rows = write_test_set(archive.parcels(), arguments.out)
    print(json.dumps({"rows": rows, "place": archive.place, "out": str(arguments.out)}))
    return 0 if rows else NOTHING_TO_DO


@contextmanager
def _archives(store: StoreSettings, drive: DriveSettings) -> Iterator[dict[str, Archive]]:
    """Every archive that can be reached; new parcels go to the last."""
    archives: list[Archive] = [FolderArchive(store.archive)]
    if drive.credentials is not None:
        from preprocessing.archive.drive import DriveArchive  # half a second that a local archive need not wait for

        archives.append(DriveArchive.connect(drive))
    try:
        yield {archive.place: archive for archive in archives}
    finally:
        for archive in archives:
            archive.close()


if __name__ == "__main__":
    sys.exit(main())
