"""Where rejected products lie in the archive.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_day",
        sa.Column("place", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("folder_id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("place", "day", name=op.f("pk_archive_day")),
        **MYSQL,
    )
    op.create_table(
        "archive_parcel",
        sa.Column("prediction_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("claimed_at", TIMESTAMP, nullable=False),
        sa.Column("archived_at", TIMESTAMP, nullable=True),
        sa.Column("remove_requested_at", TIMESTAMP, nullable=True),
        sa.Column("removed_at", TIMESTAMP, nullable=True),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["prediction.id"], name=op.f("fk_archive_parcel_prediction_id")
        ),
        sa.PrimaryKeyConstraint("prediction_id", "version", name=op.f("pk_archive_parcel")),
        **MYSQL,
    )
    op.create_index("ix_archive_parcel_open", "archive_parcel", ["archived_at", "claimed_at"])
    op.create_index("ix_archive_parcel_removal", "archive_parcel", ["removed_at", "remove_requested_at"])


def downgrade() -> None:
    op.drop_table("archive_parcel")
    op.drop_table("archive_day")
