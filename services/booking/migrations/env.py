"""Alembic's entry: brings booking's database to a revision. Run as `booking_owner`."""

from shared.infra.migrations import run

run()
