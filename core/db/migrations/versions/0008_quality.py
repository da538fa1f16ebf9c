"""Readings of the watch over the model's answers and their episodes; a retraining may be asked for by a job.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

AUTO_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("retrain_request") as table:
        table.alter_column("requested_by", existing_type=sa.String(length=36), nullable=True)
    op.create_table(
        "quality_reading",
        sa.Column("id", AUTO_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("run_key", sa.String(length=250), nullable=False),
        sa.Column("at", TIMESTAMP, nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("through", sa.String(length=36), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=True),
        sa.Column("finding", sa.String(length=8), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_reading")),
        sa.UniqueConstraint("run_key", "kind", name="uq_quality_reading_run"),
        **MYSQL,
    )
    op.create_index("ix_quality_reading_kind", "quality_reading", ["kind", "id"])
    op.create_index("ix_quality_reading_at", "quality_reading", ["at"])
    op.create_table(
        "quality_episode",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("begun_at", TIMESTAMP, nullable=False),
        sa.Column("told_at", TIMESTAMP, nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("run_key", sa.String(length=250), nullable=False),
        sa.Column("ended_at", TIMESTAMP, nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_quality_episode")),
        **MYSQL,
    )


def downgrade() -> None:
    op.drop_table("quality_episode")
    op.drop_table("quality_reading")
    op.execute("DELETE FROM retrain_request WHERE requested_by IS NULL")
    with op.batch_alter_table("retrain_request") as table:
        table.alter_column("requested_by", existing_type=sa.String(length=36), nullable=False)
