"""Migrations of the index's schema, by alembic. They go forward only, and each is one file in ``versions``."""
