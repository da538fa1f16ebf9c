"""Schema changes that MySQL has already made are passed over when an interrupted migration runs again.

SQLite undoes a failed migration whole. MySQL and MariaDB commit every single change of the schema: a migration
that was stopped in its middle leaves the first of them behind and no revision. Each change alone happens entirely
or not at all, so running the revision again and passing over what is there finishes it without a hand.
"""

import logging
from typing import Any, ClassVar

from alembic.ddl.mysql import MariaDBImpl, MySQLImpl
from sqlalchemy.exc import OperationalError, ProgrammingError

_log = logging.getLogger(__name__)

# Unknown table to drop; table, column or index that exists; column or index to drop that does not; foreign key.
_ALREADY_DONE = {1050, 1051, 1060, 1061, 1091, 1826}


class _PassesOver:
    def _exec(self, construct: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return super()._exec(construct, *arguments, **options)  # type: ignore[misc]
        except (OperationalError, ProgrammingError) as error:
            number = error.orig.args[0] if error.orig is not None and error.orig.args else None
            if number not in _ALREADY_DONE:
                raise
            _log.info("schema.already_there", extra={"error": number})
            return None


class _ResumableMySQL(_PassesOver, MySQLImpl):
    __dialect__: ClassVar[str] = "mysql"


class _ResumableMariaDB(_PassesOver, MariaDBImpl):
    __dialect__: ClassVar[str] = "mariadb"
