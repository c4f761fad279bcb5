"""Alembic's entry: runs under `wellspring.migrations.runner`, which hands over a connection."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=None,
    transaction_per_migration=True,
    version_table="alembic_version",
    on_version_apply=context.config.attributes["on_apply"],
)
with context.begin_transaction():
    context.run_migrations()
