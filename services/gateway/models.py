"""The tables of the gateway's database. `clinics` is technical: it is read before a request has a clinic, so it has no policy."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as Uuid

from shared.infra import tables

metadata = tables.metadata()

outbox = tables.outbox_table(metadata)
audit = tables.audit_table(metadata)

clinics = Table(
    "clinics",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("announced_version", BigInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("code"),
    CheckConstraint("announced_version BETWEEN 0 AND version", name="announced"),
)
"""A tenant. What `settings` leaves out is as `ClinicSettings` has it; a version above the announced one is still to be told."""
