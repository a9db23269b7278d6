"""Queues: a row per doctor and day that is locked to give positions, and an entry per patient who is here.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None

NOW = sa.text("clock_timestamp()")
POLICY = "clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[])"


def row_security(table: str) -> list[str]:
    """The clinics' policy on a table of business data, enabled and forced."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY clinics_of_transaction ON {table} USING ({POLICY}) WITH CHECK ({POLICY})",
    ]


def upgrade() -> None:
    """Makes the technical tables, then those of the queues, each of these for the clinics of a transaction only."""
    make_inbox()
    make_outbox()
    make_clinic_settings()
    make_queue_days()
    make_entries()
    for table in ("clinic_settings", "queue_days", "entries"):
        for statement in row_security(table):
            op.execute(statement)


def downgrade() -> None:
    """Drops everything."""
    for table in ("entries", "queue_days", "clinic_settings", "outbox", "inbox"):
        op.drop_table(table)


def make_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("message_id", pg.UUID, nullable=False),
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body_hash", sa.Text),
        sa.Column("topic_key", sa.LargeBinary),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("message_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])


def make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("message_id", pg.UUID, nullable=False),
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_topic_key", "outbox", ["topic", "key"])


def make_clinic_settings() -> None:
    op.create_table(
        "clinic_settings",
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("settings", pg.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", name="pk_clinic_settings"),
    )


def make_queue_days() -> None:
    op.create_table(
        "queue_days",
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("doctor_id", pg.UUID, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("last_position", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("clinic_id", "doctor_id", "date", name="pk_queue_days"),
        sa.CheckConstraint("last_position >= 0 AND version >= last_position", name=op.f("ck_queue_days_counters")),
    )
    # Each check-in updates its day: room on the page keeps the new version of the row beside the old one.
    op.execute("ALTER TABLE queue_days SET (fillfactor = 50)")


def make_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", pg.UUID, nullable=False),
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("doctor_id", pg.UUID, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("appointment_id", pg.UUID, nullable=False),
        sa.Column("patient_id", pg.UUID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("1")),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.ForeignKeyConstraint(
            ["clinic_id", "doctor_id", "date"],
            ["queue_days.clinic_id", "queue_days.doctor_id", "queue_days.date"],
            name="fk_entries_clinic_id_doctor_id_date",
        ),
        sa.UniqueConstraint("clinic_id", "appointment_id", name="uq_entries_clinic_id_appointment_id"),
        sa.UniqueConstraint("clinic_id", "doctor_id", "date", "position", name="uq_entries_clinic_id_doctor_id_date_position"),
        sa.CheckConstraint("position >= 1", name=op.f("ck_entries_position")),
        sa.CheckConstraint("state IN ('waiting')", name=op.f("ck_entries_state")),
    )
    # The desk's steps will update entries in place.
    op.execute("ALTER TABLE entries SET (fillfactor = 80)")
