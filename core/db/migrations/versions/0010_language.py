"""The likely language of a product's text, and an index that answers the review queue whatever it is asked for.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

QUEUE = [
    "status",
    "confidence",
    "id",
    "current_code",
    "language",
    "modality",
    "feedback",
    "created_at",
    "owner_id",
    "leased_until",
    "erase_requested_at",
]


def upgrade() -> None:
    # With its default, the column costs neither database a look at the rows that are there: they stay unknown, since
    # the rule that tells is no business of a schema, and most of them are decided soon.
    op.add_column("prediction", sa.Column("language", sa.String(length=8), server_default="unknown", nullable=False))
    op.create_index("ix_prediction_queue", "prediction", QUEUE)
    op.drop_index("ix_prediction_uncertain", "prediction")


def downgrade() -> None:
    op.create_index("ix_prediction_uncertain", "prediction", ["status", "confidence", "id"])
    op.drop_index("ix_prediction_queue", "prediction")
    op.drop_column("prediction", "language")
