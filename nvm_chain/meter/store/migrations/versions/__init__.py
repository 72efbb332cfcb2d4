"""One file for each migration. Alembic reads them."""
