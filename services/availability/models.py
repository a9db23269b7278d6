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
from sqlalchemy.dialects.postgresql import ARRAY, JSON, ExcludeConstraint
from sqlalchemy.dialects.postgresql import UUID as Uuid

from shared.infra import tables

metadata = tables.metadata()
ACTIVE = text("status = 'active'")
OPEN = text("state = 'free' AND published AND starts_at IS NOT NULL")

inbox = tables.inbox_table(metadata)
outbox = tables.outbox_table(metadata)
outcomes = tables.outcomes_table(metadata)
clinics_with_outcomes = tables.clinics_with_outcomes_table(metadata)
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
"""Reservations that booking has not acknowledged, with the message that told it of them (`reserved`): when it is asked next,
and how often it was asked. Without a policy, as a job asks for all clinics."""

categories = Table(
    "categories",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("clinic_id", "id"),
    UniqueConstraint("clinic_id", "name_key"),
    CheckConstraint("version >= 1", name="version"),
)

price_ranges = Table(
    "price_ranges",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("min", BigInteger, nullable=False),
    Column("max", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("clinic_id", "id"),
    UniqueConstraint("clinic_id", "name_key"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    CheckConstraint("min >= 0 AND max >= min", name="amounts"),
    CheckConstraint("version >= 1", name="version"),
)
"""In minor units of the currency."""

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
    Column("category_id", Uuid),
    Column("price_range_id", Uuid),
    Column("external_id", Text),
    Column("scheduled", Boolean, nullable=False, server_default=text("false")),
    Column("schedule_version", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("clinic_id", "id"),
    ForeignKeyConstraint(["clinic_id", "category_id"], ["categories.clinic_id", "categories.id"]),
    ForeignKeyConstraint(["clinic_id", "price_range_id"], ["price_ranges.clinic_id", "price_ranges.id"]),
    CheckConstraint("status IN ('active', 'deleted')", name="status"),
    CheckConstraint("version >= 1", name="version"),
    Index("uq_doctors_clinic_id_code_key", "clinic_id", text("lower(code)"), unique=True),
    Index("uq_doctors_clinic_id_external_id", "clinic_id", "external_id", unique=True, postgresql_where=ACTIVE),
    Index("ix_doctors_clinic_id_category_id", "clinic_id", "category_id"),
    Index("ix_doctors_clinic_id_price_range_id", "clinic_id", "price_range_id"),
)
"""The row lock of a doctor keeps the calendar as it is: bookings hold it shared, what changes the calendar holds it alone."""

locations = Table(
    "locations",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", Text),
    Column("address", JSON, nullable=False),
    Column("time_zone", Text),
    Column("removed", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("clinic_id", "id"),
    ForeignKeyConstraint(["clinic_id", "doctor_id"], ["doctors.clinic_id", "doctors.id"]),
    Index("ix_locations_clinic_id_doctor_id", "clinic_id", "doctor_id", "place"),
)
"""`address` is one text, or texts by language, the first of which is for readers of none of them. JSON, as it keeps that order.
Slots of the past name locations that are removed."""

schedule_entries = Table(
    "schedule_entries",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("place", Integer, nullable=False),
    Column("weekday", Integer, nullable=False),
    Column("start_minute", Integer, nullable=False),
    Column("end_minute", Integer, nullable=False),
    Column("location_id", Uuid),
    Column("slot_minutes", Integer, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    PrimaryKeyConstraint("clinic_id", "doctor_id", "place"),
    ForeignKeyConstraint(["clinic_id", "doctor_id"], ["doctors.clinic_id", "doctors.id"]),
    ForeignKeyConstraint(["clinic_id", "location_id"], ["locations.clinic_id", "locations.id"]),
    CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
    CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="minutes"),
    CheckConstraint("slot_minutes BETWEEN 1 AND 1440", name="slot_minutes"),
    CheckConstraint("valid_from <= valid_to", name="validity"),
)
"""Minutes of wall time since midnight; 1440 is 24:00."""

exceptions = Table(
    "exceptions",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("from_date", Date, nullable=False),
    Column("to_date", Date, nullable=False),
    Column("start_minute", Integer),
    Column("end_minute", Integer),
    Column("location_id", Uuid),
    Column("slot_minutes", Integer),
    Column("reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("clinic_id", "id"),
    ForeignKeyConstraint(["clinic_id", "doctor_id"], ["doctors.clinic_id", "doctors.id"]),
    ForeignKeyConstraint(["clinic_id", "location_id"], ["locations.clinic_id", "locations.id"]),
    CheckConstraint("kind IN ('closed', 'extra')", name="kind"),
    CheckConstraint("from_date <= to_date AND (kind = 'closed' OR from_date = to_date)", name="dates"),
    CheckConstraint(
        "(kind = 'extra') = (start_minute IS NOT NULL AND end_minute IS NOT NULL AND slot_minutes IS NOT NULL)"
        " AND (kind = 'extra' OR location_id IS NULL)",
        name="hours",
    ),
    CheckConstraint("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="minutes"),
    CheckConstraint("reason IN ('patient', 'clinic', 'ill', 'duplicate', 'other')", name="reason"),
    Index("ix_exceptions_clinic_id_doctor_id", "clinic_id", "doctor_id", "from_date", "id"),
)

publications = Table(
    "publications",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("clinic_id", "doctor_id"),
    Index("ix_publications_due_at", "due_at"),
)
"""Timers: when the slots of a doctor are to be generated again. Without a policy, as a job acts for all clinics."""

revocations = Table(
    "revocations",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    PrimaryKeyConstraint("clinic_id", "doctor_id"),
)
"""Deleted doctors of whom slots are still to be removed, or revoked behind this date and number. Without a policy, as a job
acts for all clinics."""

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
"""The row lock of a day keeps its slots as they are: every transaction that changes them holds it."""

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
    Column("time_zone", Text),
    ForeignKeyConstraint(["clinic_id", "doctor_id", "date"], ["days.clinic_id", "days.doctor_id", "days.date"]),
    UniqueConstraint("clinic_id", "doctor_id", "date", "number"),
    UniqueConstraint("reservation_id"),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("state IN ('free', 'taken')", name="state"),
    CheckConstraint(
        "(state = 'taken') = (reservation_id IS NOT NULL) AND (state = 'taken') = (appointment_id IS NOT NULL)", name="taken"
    ),
    CheckConstraint("(starts_at IS NULL) = (ends_at IS NULL) AND (starts_at IS NULL OR starts_at < ends_at)", name="times"),
    CheckConstraint("(starts_at IS NULL) = (time_zone IS NULL)", name="time_zone"),
    ExcludeConstraint(
        ("clinic_id", "="),
        ("doctor_id", "="),
        (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
        where=text("starts_at IS NOT NULL"),
        name="ex_slots_doctor_times",
    ),
    Index("ix_slots_free", "clinic_id", "doctor_id", "date", "number", postgresql_where=text("state = 'free'")),
    Index("ix_slots_open_of_doctor", "clinic_id", "doctor_id", "starts_at", "id", postgresql_where=OPEN),
    Index("ix_slots_open_of_clinic", "clinic_id", "starts_at", "doctor_id", "id", postgresql_where=OPEN),
    Index("ix_slots_taken", "clinic_id", "doctor_id", "date", postgresql_where=text("state = 'taken'")),
    Index("ix_slots_clinic_id_appointment_id", "clinic_id", "appointment_id", postgresql_where=text("state = 'taken'")),
)
"""A slot is a row. The partial indexes find the free ones of a day, the open ones of a doctor and of a clinic, the taken ones of
a doctor, and those of an appointment: it has two while it is moved. `published` tells whether the calendar asks for the slot: a
taken one whose rule is gone is not published, and freeing it removes it."""
