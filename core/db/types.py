"""Column types and expressions that mean the same on MySQL, MariaDB and SQLite."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, FunctionElement
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles


class utc_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock in UTC with microseconds (SQLite: milliseconds)."""

    type = DateTime()
    inherit_cache = True


@compiles(utc_now, "mysql", "mariadb")
def _utc_now_mysql(element: utc_now, compiler: Any, **kw: Any) -> str:
    return "UTC_TIMESTAMP(6)"


@compiles(utc_now, "sqlite")
def _utc_now_sqlite(element: utc_now, compiler: Any, **kw: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


# Plain DATETIME is whole seconds on MySQL.
Timestamp = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
