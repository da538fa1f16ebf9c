"""Signatures of titles and photos that can be near one another, and the keys they are found by.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

SIGNATURE_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "near_signature",
        sa.Column("id", SIGNATURE_ID, autoincrement=False, nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=80), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_near_signature")),
        **MYSQL,
    )
    op.create_table(
        "near_key",
        sa.Column("lookup_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signature_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("lookup_key", "signature_id", name=op.f("pk_near_key")),
        sqlite_with_rowid=False,
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("near_key")
    op.drop_table("near_signature")
