"""Take labels back from the command line, in the name of the account ``(operator)``, which cannot sign in.

``python -m core.retraction --reviewer NAME --since TIME --until TIME`` takes back what a person accepted in a time
span; ``--customer NAME`` erases everything that a customer has sent. Times are ISO 8601; without a zone they are UTC.
The last line on standard output is JSON. Run again after a crash, it does what is left. Exit status 1, with the
reason on standard error: nothing more was taken back.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import users
from core.db.session import make_engine, make_sessions, transact
from core.errors import EtalonError
from core.logging import configure_logging
from core.retraction.erasure import erase_customer
from core.retraction.reviewer import TakenBack, UnknownPerson, take_back
from core.settings import DatabaseSettings

_LONGEST_REASON = 500  # characters


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.retraction", description=__doc__)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--reviewer", help="the account whose labels go")
    who.add_argument("--customer", help="the name, or the id, of the account whose products are erased, all")
    parser.add_argument("--since", type=datetime.fromisoformat, help="the first moment of a reviewer's span")
    parser.add_argument("--until", type=datetime.fromisoformat, help="the moment after its last one")
    parser.add_argument("--reason", help="kept with every retraction, at most 500 characters")
    parser.add_argument("--dry-run", action="store_true", help="only count a reviewer's labels")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.reviewer and not (asked.since and asked.until):
        parser.error("--reviewer needs --since and --until")
    if asked.customer and (asked.since or asked.until or asked.dry_run):
        parser.error("--customer erases everything: it goes with --reason only")
    configure_logging()
    engine = make_engine(DatabaseSettings())
    try:
        sessions = make_sessions(engine)
        report = _erase(sessions, asked) if asked.customer else _take_back(sessions, asked)
    except (EtalonError, SQLAlchemyError) as error:
        print(f"retraction refused: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1
    finally:
        engine.dispose()
    print(json.dumps(report))
    return 0


def _take_back(sessions: sessionmaker[Session], asked: argparse.Namespace) -> dict[str, object]:
    taken = take_back(
        sessions,
        reviewer=asked.reviewer,
        since=asked.since,
        until=asked.until,
        actor=users.OPERATOR if asked.dry_run else transact(sessions, users.operator).id,
        reason=_reason(asked),
        dry_run=asked.dry_run,
    )
    _tell(taken)
    return asdict(taken)


def _erase(sessions: sessionmaker[Session], asked: argparse.Namespace) -> dict[str, object]:
    with sessions() as session:
        owner = users.by_username(session, asked.customer) or users.by_id(session, asked.customer)
    if owner is None:
        raise UnknownPerson(f"There is no account {asked.customer!r}.")
    operator = transact(sessions, users.operator)
    erased = erase_customer(sessions, owner_id=owner.id, actor_id=operator.id, reason=_reason(asked))
    print(f"{asked.customer}: {erased} products erased; what the training store holds of them goes with the next batch")
    return {"customer": asked.customer, "erased": erased}


def _reason(asked: argparse.Namespace) -> str | None:
    return asked.reason[:_LONGEST_REASON] if asked.reason else None


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
