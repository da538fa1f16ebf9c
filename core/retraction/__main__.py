"""``python -m core.retraction --reviewer NAME --since TIME --until TIME``: take a person's labels back.

Times are ISO 8601; without a zone they are UTC. The last line on standard output is JSON. Run again after a
crash, it does what is left. Exit status 1, with the reason on standard error: nothing more was taken back.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from core.db.repositories import users
from core.db.session import make_engine, make_sessions, transact
from core.errors import EtalonError
from core.logging import configure_logging
from core.retraction.reviewer import TakenBack, take_back
from core.settings import DatabaseSettings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.retraction", description=__doc__)
    parser.add_argument("--reviewer", required=True, help="the account whose labels go")
    parser.add_argument("--since", type=datetime.fromisoformat, required=True, help="the first moment of the span")
    parser.add_argument("--until", type=datetime.fromisoformat, required=True, help="the moment after its last one")
    parser.add_argument("--reason", help="kept with every retraction, at most 500 characters")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    asked = _parser().parse_args(arguments)
    configure_logging()
    engine = make_engine(DatabaseSettings())
    sessions = make_sessions(engine)
    try:
        taken = take_back(
            sessions,
            reviewer=asked.reviewer,
            since=asked.since,
            until=asked.until,
            actor=users.OPERATOR if asked.dry_run else transact(sessions, users.operator).id,
            reason=asked.reason[:500] if asked.reason else None,
            dry_run=asked.dry_run,
        )
    except (EtalonError, SQLAlchemyError) as error:
        print(f"retraction refused: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    _tell(taken)
    print(json.dumps(asdict(taken)))
    return 0


def _tell(taken: TakenBack) -> None:
    would = "would be " if taken.dry_run else ""
    print(f"{taken.reviewer}: {taken.withdrawn} labels {would}withdrawn, {taken.retracted} {would}retracted")
    for split, rows in taken.by_split.items():
        print(f"  {split}: {rows}")
    for model in taken.models:
        now = " (answers now)" if model.served else ""
        print(
            f"  trained on some: {model.name} {model.version[:12]}, epoch {model.epoch}, manifest {model.manifest}{now}"
        )


if __name__ == "__main__":
    sys.exit(main())
