"""The tables of the queue's database. Used by `repository.py` for lists and by the migrations' drift test."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID as Uuid

from shared.infra import tables

metadata = tables.metadata()

inbox = tables.inbox_table(metadata)
outbox = tables.outbox_table(metadata)
clinic_settings = tables.clinic_settings_table(metadata)
audit = tables.audit_table(metadata)

queue_days = Table(
    "queue_days",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("last_position", Integer, nullable=False, server_default=text("0")),
    Column("version", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("clinic_id", "doctor_id", "date"),
    CheckConstraint("last_position >= 0 AND version >= last_position", name="counters"),
)
"""The row whose lock serialises a doctor's queue: the last position given, and the version of the queue."""

entries = Table(
    "entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("checked_in_at", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("appointment_version", BigInteger, nullable=False, server_default=text("0")),
    ForeignKeyConstraint(["clinic_id", "doctor_id", "date"], ["queue_days.clinic_id", "queue_days.doctor_id", "queue_days.date"]),
    UniqueConstraint("clinic_id", "appointment_id"),
    UniqueConstraint("clinic_id", "doctor_id", "date", "position"),
    CheckConstraint("position >= 1", name="position"),
    CheckConstraint("state IN ('waiting')", name="state"),
)
"""An entry of a queue: one per appointment, one per position. It follows no event older than `appointment_version`."""
