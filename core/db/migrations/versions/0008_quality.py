"""A retraining may be asked for by a job.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("retrain_request") as table:
        table.alter_column("requested_by", existing_type=sa.String(length=36), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM retrain_request WHERE requested_by IS NULL")
    with op.batch_alter_table("retrain_request") as table:
        table.alter_column("requested_by", existing_type=sa.String(length=36), nullable=False)
