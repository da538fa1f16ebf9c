"""Accepted labels that look wrong, marked so that an admin looks again.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prediction", sa.Column("second_opinion", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("prediction", sa.Column("doubted_code", sa.Integer(), nullable=True))
    op.add_column("prediction", sa.Column("alternative_code", sa.Integer(), nullable=True))
    op.add_column("prediction", sa.Column("label_quality", sa.Double(), nullable=True))
    op.create_index("ix_prediction_second_opinion", "prediction", ["second_opinion", "id"])


def downgrade() -> None:
    op.drop_index("ix_prediction_second_opinion", "prediction")
    op.drop_column("prediction", "label_quality")
    op.drop_column("prediction", "alternative_code")
    op.drop_column("prediction", "doubted_code")
    op.drop_column("prediction", "second_opinion")
