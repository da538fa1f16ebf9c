"""``python -m core.audit_seal``: add one link over the audit rows that are not sealed yet.

The last line on standard output is JSON with the link's number and sha256: kept anywhere else (the orchestrator's log
does), it proves later that nothing before it was changed. Exit 0: sealed. 99: nothing to seal. 1: failed.
"""

import json
import logging
import sys

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import audit
from core.db.repositories.audit import SealTaken
from core.db.session import make_engine, make_sessions, transact
from core.domain.audit_chain import Link
from core.logging import configure_logging
from core.settings import DatabaseSettings

OLDER_THAN_S = 60.0
"""Rows become sealable at this age: most transactions that began earlier have committed by then."""

NOTHING_TO_DO = 99
_ATTEMPTS = 3
_log = logging.getLogger(__name__)


def seal(sessions: sessionmaker[Session], *, older_than_s: float = OLDER_THAN_S) -> tuple[int, Link] | None:
    """Seal what can be sealed, in one transaction; the link's number and content, None where there was nothing.

    Raises:
        SealTaken: other processes were faster three times in a row.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return transact(sessions, lambda session: audit.seal(session, older_than_s=older_than_s))
        except SealTaken:
            continue
    return transact(sessions, lambda session: audit.seal(session, older_than_s=older_than_s))


def main() -> int:
    """Run the command; returns the exit status."""
    configure_logging()
    engine = make_engine(DatabaseSettings())
    try:
        made = seal(make_sessions(engine))
    except (SealTaken, SQLAlchemyError) as error:
        _log.exception("audit.seal_failed")
        print(f"seal failed: {getattr(error, 'orig', None) or error}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    finally:
        engine.dispose()
    number, link = made or (None, Link(0, ""))
    print(json.dumps({"seal": number, "rows": link.rows, "sha256": link.sha256 or None}))  # noqa: T201
    return 0 if made else NOTHING_TO_DO


if __name__ == "__main__":
    sys.exit(main())
