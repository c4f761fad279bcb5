"""One linear history of plain SQL, run by Alembic, with a checksum and a batch for each version."""
