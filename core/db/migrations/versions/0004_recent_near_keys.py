"""The keys of near-duplicates that were written lately, apart from those of the base and of earlier batches.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What near_key holds stays where it is: the new table starts empty and a lookup reads both.
    op.create_table(
        "near_key_recent",
        sa.Column("lookup_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("lookup_key", "signature_id", name=op.f("pk_near_key_recent")),
        sqlite_with_rowid=False,
        **MYSQL,
    )


def downgrade() -> None:
    # Twice on MySQL, if it was stopped in between: what was copied is passed over.
    op.execute(
        "INSERT INTO near_key (lookup_key, signature_id) SELECT lookup_key, signature_id FROM near_key_recent AS recent"
        " WHERE NOT EXISTS (SELECT 1 FROM near_key AS settled WHERE settled.lookup_key = recent.lookup_key"
        " AND settled.signature_id = recent.signature_id)"
    )
    op.drop_table("near_key_recent")
