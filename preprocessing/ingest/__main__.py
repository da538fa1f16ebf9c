"""``python -m preprocessing.ingest import | append | fsck | sweep``.

Progress goes to standard error as JSON lines; the last line on standard output is one JSON object.
Exit 0: done. 99: nothing to do. 1: refused or failed, said on standard error; for fsck: violations were found.
"""

import argparse
import json
import logging
import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.db.session import make_engine, make_readers, make_sessions
from core.errors import EtalonError
from core.logging import configure_logging
from core.settings import DatabaseSettings, LoopSettings, ServingSettings, StoreSettings
from core.store import manifests
from preprocessing.ingest.append import append, is_due, is_unjudged, take_request
from preprocessing.ingest.base import import_catalogue
from preprocessing.ingest.check import check_loop
from preprocessing.ingest.reserve import stock_reserve
from preprocessing.ingest.settling import settle
from preprocessing.ingest.sweep import sweep_photos

NOTHING_TO_DO = 99
_IF_DUE = (
    "only if LOOP_MIN_ROWS wait, one for LOOP_MAX_AGE_S, or a person's wish for a retraining, which this run takes; "
    "exit 0 also without rows while the newest batch, or that wish, was followed by no judgement"
)
_log = logging.getLogger(__name__)


def main() -> int:
    """Run one verb; returns the exit status."""
    arguments = _parser().parse_args()
    configure_logging()
    # An import replaces millions of lookup keys in a few statements; a person waits for it, not a reviewer.
    engine = make_engine(DatabaseSettings(), patient=arguments.verb == "import")
    try:
        return arguments.run(arguments, engine, StoreSettings())
    except EtalonError as error:
        print(f"{arguments.verb} refused ({error.code}): {error}", file=sys.stderr)
        return 1
    except (SQLAlchemyError, OSError) as error:
        _log.exception("ingest.failed", extra={"verb": arguments.verb})
        print(f"{arguments.verb} failed: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m preprocessing.ingest", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    verb = verbs.add_parser("import", help="make a catalogue in the challenge's layout the base of the training store")
    verb.add_argument("--data", type=Path, required=True, help="the catalogue's folder")
    verb.add_argument("--base", type=_share, default=1.0, help="share of its training products to keep (default 1.0)")
    verb.add_argument("--limit", type=_count, help="look at only this many of its products")
    verb.set_defaults(run=_import)

    verb = verbs.add_parser("append", help="bring verdicts into the training store")
    verb.add_argument("--run-key", type=_run_key, required=True, help="the run that asks; again: the same batch")
    verb.add_argument("--if-due", action="store_true", help=_IF_DUE)
    verb.set_defaults(run=_append)

    verb = verbs.add_parser("fsck", help="check the store's invariants")
    verb.add_argument("--full", action="store_true", help="read every tensor and compare it with its photo")
    verb.add_argument("--as-of", type=datetime.fromisoformat, help="measure ages at this moment (UTC) instead of now")
    verb.set_defaults(run=_fsck)

    verb = verbs.add_parser("sweep", help="remove photos that nothing has named for a day; settle the index of copies")
    verb.set_defaults(run=_sweep)
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"a share is between 0 and 1. Received: {text}")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more. Received: {text}")
    return value


def _run_key(text: str) -> str:
    if not 1 <= len(text) <= 250:
        raise argparse.ArgumentTypeError("a run key has 1 to 250 characters")
    return text


def _import(arguments: argparse.Namespace, engine: Engine, store: StoreSettings) -> int:
    limits = ServingSettings()
    imported = import_catalogue(
        make_sessions(engine), store, limits, arguments.data, base=arguments.base, limit=arguments.limit
    )
    print(imported.copies)
    print(json.dumps({**asdict(imported), "reserve": stock_reserve(store, limits, arguments.data)}))
    return 0


def _append(arguments: argparse.Namespace, engine: Engine, store: StoreSettings) -> int:
    sessions = make_sessions(engine)
    appended = None
    if not arguments.if_due or is_due(sessions, LoopSettings(), arguments.run_key):
        appended = append(sessions, store, run_key=arguments.run_key)
    # After the append: a run that cannot append leaves the wish to the next. A training follows only with --if-due.
    asked = arguments.if_due and take_request(sessions, arguments.run_key)
    if appended is not None:
        print(json.dumps(asdict(appended)))
        return 0
    numbers = manifests.numbers(store.training)
    print(json.dumps({"segment": None, "rows": 0, "retractions": 0, "manifest": numbers[-1] if numbers else None}))
    # A person asked, or an earlier training failed for good: there is nothing to append, but something to train on.
    return 0 if arguments.if_due and (asked or is_unjudged(sessions)) else NOTHING_TO_DO


def _fsck(arguments: argparse.Namespace, engine: Engine, store: StoreSettings) -> int:
    checked = check_loop(engine, store, LoopSettings(), full=arguments.full, as_of=arguments.as_of)
    for violation in checked.violations:
        print(violation)
    print(json.dumps({"violations": len(checked.violations), "manifest": checked.manifest}))
    return 1 if checked.violations else 0


def _sweep(arguments: argparse.Namespace, engine: Engine, store: StoreSettings) -> int:
    swept = sweep_photos(make_readers(engine), store, now_s=time.time())
    settled = settle(make_sessions(engine))
    print(json.dumps({**asdict(swept), "settled": settled}))
    return 0 if swept.removed or settled else NOTHING_TO_DO


if __name__ == "__main__":
    sys.exit(main())
