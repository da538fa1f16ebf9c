"""What every table is made of: the declarative base, and columns that mean the same on every database."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Integer, MetaData, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase

from core.db.types import Timestamp

UUID = String(36)
SHA256 = String(64)
# A TEXT column holds 65,535 bytes on MySQL: less than 5,000 characters of four bytes need no more, but HTML may.
USER_TEXT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
AUTO_ID = BigInteger().with_variant(Integer, "sqlite")
# Binary collation: keys, codes and shas compare exactly, as they do on SQLite. InnoDB: transactions and row locks.
MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class Base(DeclarativeBase):
    """Declarative base of every table."""

    # Every constraint has a name, so that a later migration can drop it on any database.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {dict[str, Any]: JSON, list[Any]: JSON, datetime: Timestamp}
    __table_args__: Any = MYSQL
