"""Alembic's way in: runs the migrations on the connection, and in the transaction, that `store.migrating` hands it."""

from __future__ import annotations

from alembic import context

from ringbid.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
