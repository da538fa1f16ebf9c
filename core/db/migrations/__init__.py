"""Alembic's revisions and environment; ``python -m core.db migrate`` runs them."""
