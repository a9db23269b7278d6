"""Alembic's entrance to the queue's database; run by `deploy.stores.migrations.migrate` as the owner role."""

from shared.infra.migrations import run

run()
