"""Alembic's environment. It runs on the connection that ``core.db.migrate`` hands over; there is no ini file."""

from alembic import context

import core.db.migrations.resumable  # noqa: F401 - replaces Alembic's way of changing a MySQL schema
from core.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
