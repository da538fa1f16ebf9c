"""API keys, throttled sign-ins, closed accounts; what senders say of an answer; wishes for a retraining; skips.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_prediction_feedback": ["feedback", "id"],
    "ix_prediction_updated": ["updated_at", "id"],
    "ix_prediction_owner_updated": ["owner_id", "updated_at", "id"],
    "ix_prediction_code": ["current_code", "status", "id"],
    "ix_prediction_model": ["model_version", "epoch"],
}


def upgrade() -> None:
    op.add_column("user_account", sa.Column("deactivated_by", sa.String(length=8), nullable=True))
    op.add_column("user_account", sa.Column("deleted_at", TIMESTAMP, nullable=True))
    _make_account_tables()
    op.add_column("prediction", sa.Column("feedback", sa.String(length=16), nullable=True))
    op.add_column("prediction", sa.Column("feedback_code", sa.Integer(), nullable=True))
    op.add_column("prediction", sa.Column("feedback_reason", sa.String(length=500), nullable=True))
    op.add_column("prediction", sa.Column("feedback_at", TIMESTAMP, nullable=True))
    for name, columns in INDEXES.items():
        op.create_index(name, "prediction", columns)
    op.create_index("ix_verdict_decided", "verdict", ["decided_at", "reviewer_id"])
    op.create_table(
        "review_skip",
        sa.Column("reviewer_id", sa.String(length=36), nullable=False),
        sa.Column("prediction_id", sa.String(length=36), nullable=False),
        sa.Column("until", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(["reviewer_id"], ["user_account.id"], name=op.f("fk_review_skip_reviewer_id")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["prediction.id"], name=op.f("fk_review_skip_prediction_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reviewer_id", "prediction_id", name=op.f("pk_review_skip")),
        **MYSQL,
    )
    op.create_table(
        "retrain_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("requested_by", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("requested_at", TIMESTAMP, nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=True),
        sa.Column("run_key", sa.String(length=250), nullable=True),
        sa.Column("taken_at", TIMESTAMP, nullable=True),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["user_account.id"], name=op.f("fk_retrain_request_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retrain_request")),
        sa.UniqueConstraint("waiting", name=op.f("uq_retrain_request_waiting")),
        **MYSQL,
    )


def _make_account_tables() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("last_used_at", TIMESTAMP, nullable=True),
        sa.Column("revoked_at", TIMESTAMP, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["user_account.id"], name=op.f("fk_api_key_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_api_key_secret_sha256")),
        **MYSQL,
    )
    op.create_index("ix_api_key_account_id", "api_key", ["account_id"])
    op.create_table(
        "sign_in_door",
        sa.Column("door", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("door", name=op.f("pk_sign_in_door")),
        **MYSQL,
    )
    op.create_index("ix_sign_in_door_window_ends_at", "sign_in_door", ["window_ends_at"])


def downgrade() -> None:
    op.drop_table("retrain_request")
    op.drop_table("review_skip")
    op.drop_index("ix_verdict_decided", "verdict")
    for name in reversed(INDEXES):
        op.drop_index(name, "prediction")
    for column in ("feedback_at", "feedback_reason", "feedback_code", "feedback"):
        op.drop_column("prediction", column)
    op.drop_table("sign_in_door")
    op.drop_table("api_key")
    op.drop_column("user_account", "deleted_at")
    op.drop_column("user_account", "deactivated_by")
