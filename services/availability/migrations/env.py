"""Alembic's entrance to availability's database; run by `deploy.stores.migrations.migrate` as the owner role."""

from shared.infra.migrations import run

run()
