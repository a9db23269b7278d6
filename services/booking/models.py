"""Booking's tables as the registry and the lists see them, on SQLAlchemy. Their constraints are in the migrations."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, LargeBinary, Table, Text, false, func
from sqlalchemy.dialects.postgresql import UUID as Uuid

from shared.infra import tables

metadata = tables.metadata()

inbox = tables.inbox_table(metadata)
outbox = tables.outbox_table(metadata)
outcomes = tables.outcomes_table(metadata)
clinics_with_outcomes = tables.clinics_with_outcomes_table(metadata)
clinic_settings = tables.clinic_settings_table(metadata)
audit = tables.audit_table(metadata)

hold_timers = Table(
    "hold_timers",
    metadata,
    Column("clinic_id", Uuid, primary_key=True),
    Column("appointment_id", Uuid, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
)

patients = Table(
    "patients",
    metadata,
    Column("clinic_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("phone", LargeBinary, nullable=False),
    Column("phone_index", LargeBinary, nullable=False),
    Column("phone_extension", LargeBinary),
    Column("extension_index", LargeBinary),
    Column("date_of_birth", LargeBinary),
    Column("email", LargeBinary),
    Column("nhs_number", LargeBinary),
    Column("nhs_index", LargeBinary),
    Column("postcode", LargeBinary),
    Column("address", LargeBinary),
    Column("external_index", LargeBinary),
    Column("status", Text, nullable=False),
    Column("merged_into", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

patient_words = Table(
    "patient_words",
    metadata,
    Column("clinic_id", Uuid, primary_key=True),
    Column("word", Text(collation="C"), primary_key=True),
    Column("patient_id", Uuid, primary_key=True),
)
"""The words of patients' names as a search compares them. Triggers on `patients` keep it."""

appointments = Table(
    "appointments",
    metadata,
    Column("clinic_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("doctor_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("slot_id", Uuid, nullable=False),
    Column("slot_number", Integer, nullable=False),
    Column("reservation_id", Uuid, nullable=False),
    Column("location_id", Uuid),
    Column("starts_at", DateTime(timezone=True)),
    Column("ends_at", DateTime(timezone=True)),
    Column("status", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("exclusive_day", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("cancel_reason", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("command_id", Uuid, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("clinic_id", Uuid, primary_key=True),
    Column("command_id", Uuid, primary_key=True),
    Column("appointment_id", Uuid, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("of_change", Boolean, nullable=False, server_default=false()),
)
