"""Undo, correct and retract; review leases; request keys; audit seals; results of store checks.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

AUTO_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A segment's rows are its appends in the order of their ids. DISTINCT keeps MySQL from reading the table it changes.
ROWS_OF_EARLIER_CLAIMS = """
UPDATE outbox SET segment_row = (
    SELECT count(*) FROM (SELECT DISTINCT id, segment FROM outbox WHERE kind = 'append') AS earlier
    WHERE earlier.segment = outbox.segment AND earlier.id < outbox.id
) WHERE kind = 'append' AND segment IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("prediction", sa.Column("leased_by", sa.String(length=36), nullable=True))
    op.add_column("prediction", sa.Column("leased_until", TIMESTAMP, nullable=True))
    op.add_column("prediction", sa.Column("erase_requested_at", TIMESTAMP, nullable=True))
    op.create_index("ix_prediction_lease", "prediction", ["leased_by", "leased_until"])
    op.add_column("outbox", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("outbox", sa.Column("segment_row", sa.Integer(), nullable=True))
    op.add_column("segment_claim", sa.Column("retractions", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("audit", sa.Column("seal", sa.Integer(), nullable=True))
    op.create_index("ix_audit_seal", "audit", ["seal", "id"])
    op.create_index("ix_outbox_segment", "outbox", ["segment", "kind"])
    op.execute(ROWS_OF_EARLIER_CLAIMS)
    op.create_index("ix_segment_claim_run_key", "segment_claim", ["run_key", "segment"])
    op.create_index("ix_segment_claim_open", "segment_claim", ["ingested_at", "segment"])

    op.create_table(
        "audit_seal",
        sa.Column("seal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("seal", name=op.f("pk_audit_seal")),
        **MYSQL,
    )
    op.create_table(
        "store_check",
        sa.Column("id", AUTO_ID, autoincrement=True, nullable=False),
        sa.Column("checked_at", TIMESTAMP, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("manifest", sa.Integer(), nullable=True),
        sa.Column("violations", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_check")),
        **MYSQL,
    )
    op.create_table(
        "request_key",
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("refusal", sa.JSON(), nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_request_key_actor_id")),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_request_key")),
        **MYSQL,
    )


def downgrade() -> None:
    for table in ("request_key", "store_check", "audit_seal"):
        op.drop_table(table)
    op.drop_index("ix_segment_claim_open", "segment_claim")
    op.drop_index("ix_segment_claim_run_key", "segment_claim")
    op.drop_index("ix_outbox_segment", "outbox")
    op.drop_index("ix_audit_seal", "audit")
    op.drop_column("audit", "seal")
    op.drop_column("segment_claim", "retractions")
    op.drop_column("outbox", "segment_row")
    op.drop_column("outbox", "urgent")
    op.drop_index("ix_prediction_lease", "prediction")
    op.drop_column("prediction", "erase_requested_at")
    op.drop_column("prediction", "leased_until")
    op.drop_column("prediction", "leased_by")
