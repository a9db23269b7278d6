"""The tables of availability's database. Used by `repository/` for the registry and by the migrations' drift test.

A day's capacity is the number of its slot rows: no column counts.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.dialects.postgresql import UUID as Uuid

from shared.infra import tables

metadata = tables.metadata()

inbox = tables.inbox_table(metadata)
outbox = tables.outbox_table(metadata)
outcomes = tables.outcomes_table(metadata)
clinic_settings = tables.clinic_settings_table(metadata)
audit = tables.audit_table(metadata)

unacknowledged = Table(
    "unacknowledged",
    metadata,
    Column("reservation_id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("questions", Integer, nullable=False, server_default=text("0")),
    Column("reserved", LargeBinary, nullable=False),
    Index("ix_unacknowledged_due_at", "due_at"),
)
"""Timers, without a policy: reservations that booking has not acknowledged, and the message that told it of them."""

doctors = Table(
    "doctors",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("code", Text(collation="C"), nullable=False),
    Column("name", Text, nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
    Column("status", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("clinic_id", "id"),
    UniqueConstraint("clinic_id", "code"),
    CheckConstraint("status IN ('active', 'deleted')", name="status"),
    CheckConstraint("version >= 1", name="version"),
)

days = Table(
    "days",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("mode", Text, nullable=False),
    Column("available", Boolean, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("clinic_id", "doctor_id", "date"),
    ForeignKeyConstraint(["clinic_id", "doctor_id"], ["doctors.clinic_id", "doctors.id"]),
    CheckConstraint("mode IN ('daily', 'timed')", name="mode"),
    CheckConstraint("version >= 1", name="version"),
)
"""Whose row lock excludes: whoever reads or writes slots of a day holds it."""

slots = Table(
    "slots",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("frontdesk_uuid7()")),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("number", Integer, nullable=False),
    Column("starts_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("location_id", Uuid),
    Column("state", Text, nullable=False, server_default=text("'free'")),
    Column("reservation_id", Uuid),
    Column("appointment_id", Uuid),
    Column("published", Boolean, nullable=False, server_default=text("true")),
    ForeignKeyConstraint(["clinic_id", "doctor_id", "date"], ["days.clinic_id", "days.doctor_id", "days.date"]),
    UniqueConstraint("clinic_id", "doctor_id", "date", "number"),
    UniqueConstraint("reservation_id"),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("state IN ('free', 'taken')", name="state"),
    CheckConstraint(
        "(state = 'taken') = (reservation_id IS NOT NULL) AND (state = 'taken') = (appointment_id IS NOT NULL)", name="taken"
    ),
    CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL) AND (starts_at IS NULL OR starts_at < ends_at)", name="times"),
    ExcludeConstraint(
        ("clinic_id", "="),
        ("doctor_id", "="),
        (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
        where=text("starts_at IS NOT NULL"),
        name="ex_slots_doctor_times",
    ),
    Index("ix_slots_free", "clinic_id", "doctor_id", "date", "number", postgresql_where=text("state = 'free'")),
)
"""A slot is a row. The partial index is what finds free ones; it is the only one on a column that bookings change beside the
unique reservation."""
