"""Is there everything that a request needs?"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from api.serving.engine import ServingEngine
from api.taxonomy import TaxonomyFile
from core.db.repositories import promotions
from core.errors import Unavailable


class NotReady(Unavailable):
    """Something a request needs is missing.

    Attributes:
        checks: ``ok`` or what is wrong, by what was looked at.
    """

    code = "service.not_ready"

    def __init__(self, checks: dict[str, str]) -> None:
        wrong = [f"{name}: {found}" for name, found in checks.items() if found != "ok"]
        super().__init__("; ".join(wrong))
        self.checks = checks


class NotStarted(Unavailable):
    """The process has not looked at the ledger yet."""

    code = "service.not_started"


class HealthService:
    """Looks at the database, the disk, the taxonomy and the release."""

    def __init__(
        self, readers: sessionmaker[Session], store_root: Path, taxonomy: TaxonomyFile, serving: ServingEngine
    ) -> None:
        self._readers = readers
        self._store_root = store_root
        self._taxonomy = taxonomy
        self._serving = serving

    def require_ready(self) -> dict[str, str]:
        """Every check with the answer ``ok``.

        Raises:
            NotReady: at least one has another answer.
        """
        checks = {
            "database": _outcome(self._ask_database),
            "disk": _outcome(self._write_to_disk),
            "taxonomy": _outcome(self._taxonomy.current),
            "champion": _outcome(self._serving.release),
        }
        if any(found != "ok" for found in checks.values()):
            raise NotReady(checks)
        return checks

    def _ask_database(self) -> None:
        with self._readers() as session:
            promotions.current(session)  # a question to our own tables: an unmigrated database fails here

    def _write_to_disk(self) -> None:
        with tempfile.TemporaryFile(dir=self._store_root) as file:
            file.write(b"ready?")
            file.flush()
            os.fsync(file.fileno())


def _outcome(check: Callable[[], object]) -> str:
    """``ok``, or the kind of failure: no address, path or password of ours."""
    try:
        check()
    except Unavailable as error:
        return error.code
    except (OSError, SQLAlchemyError) as error:
        return type(error).__name__
    return "ok"
