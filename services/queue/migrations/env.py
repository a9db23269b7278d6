"""Alembic's entrance to the queue's database; run by `deploy.stores.migrations.migrate` as the owner role."""

from services.queue.models import metadata
from shared.infra.migrations import run

run(metadata)
