"""Alembic's entrance to the gateway's database; run by `deploy.stores.migrations.migrate` as the owner role."""

from services.gateway.models import metadata
from shared.infra.migrations import run

run(metadata)
