"""Doctors, their days, and the slots that are the capacity of a day; the technical tables beside them.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None

NOW = sa.text("clock_timestamp()")
INSTANT = sa.DateTime(timezone=True)
DAY = ["clinic_id", "doctor_id", "date"]

# PostgreSQL 17 has no uuidv7(): 48 bits of milliseconds, version and variant, the rest random.
UUID7 = """
CREATE FUNCTION frontdesk_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
    'hex')::uuid
$$
"""
POLICY = "clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[])"


def row_security(table: str) -> list[str]:
    """The clinics' policy on a table of business data, enabled and forced."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY clinics_of_transaction ON {table} USING ({POLICY}) WITH CHECK ({POLICY})",
    ]


def upgrade() -> None:
    """Makes the technical tables, then those of the clinics, each of these for the clinics of a transaction only."""
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(UUID7)
    make_inbox()
    make_outbox()
    make_outcomes()
    make_clinic_settings()
    make_doctors()
    make_days()
    make_slots()
    for table in ("outcomes", "clinic_settings", "doctors", "days", "slots"):
        for statement in row_security(table):
            op.execute(statement)


def downgrade() -> None:
    """Drops everything but the extension, which others may use."""
    for table in ("slots", "days", "doctors", "clinic_settings", "outcomes", "outbox", "inbox"):
        op.drop_table(table)
    op.execute("DROP FUNCTION frontdesk_uuid7()")


def make_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("message_id", pg.UUID, nullable=False),
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body_hash", sa.Text),
        sa.Column("topic_key", sa.LargeBinary),
        sa.Column("received_at", INSTANT, nullable=False, server_default=NOW),
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
        sa.Column("created_at", INSTANT, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_topic_key", "outbox", ["topic", "key"])


def make_outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("command_id", pg.UUID, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("body_hash", sa.Text, nullable=False),
        sa.Column("status_code", sa.Integer, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("result", pg.JSON),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.PrimaryKeyConstraint("clinic_id", "command_id", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_decided_at", "outcomes", ["decided_at"])


def make_clinic_settings() -> None:
    op.create_table(
        "clinic_settings",
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("settings", pg.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", name="pk_clinic_settings"),
    )


def make_doctors() -> None:
    op.create_table(
        "doctors",
        sa.Column("clinic_id", pg.UUID, nullable=False),
        sa.Column("id", pg.UUID, nullable=False),
        # "C": codes are ASCII, lists and cursors go by code points whatever the server's locale, and LIKE finds prefixes.
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("languages", pg.ARRAY(sa.Text), nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name="pk_doctors"),
        sa.UniqueConstraint("clinic_id", "code", name="uq_doctors_clinic_id_code"),
        sa.CheckConstraint("status IN ('active', 'deleted')", name=op.f("ck_doctors_status")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_doctors_version")),
    )


def make_days() -> None:
    op.create_table(
        "days",
        *[sa.Column(name, kind, nullable=False) for name, kind in zip(DAY, (pg.UUID, pg.UUID, sa.Date), strict=True)],
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("available", sa.Boolean, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("1")),
        sa.PrimaryKeyConstraint(*DAY, name="pk_days"),
        sa.ForeignKeyConstraint(
            ["clinic_id", "doctor_id"], ["doctors.clinic_id", "doctors.id"], name="fk_days_clinic_id_doctor_id"
        ),
        sa.CheckConstraint("mode IN ('daily', 'timed')", name=op.f("ck_days_mode")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_days_version")),
    )
    op.execute("ALTER TABLE days SET (fillfactor = 80)")


def make_slots() -> None:
    op.create_table(
        "slots",
        sa.Column("id", pg.UUID, nullable=False, server_default=sa.text("frontdesk_uuid7()")),
        *[sa.Column(name, kind, nullable=False) for name, kind in zip(DAY, (pg.UUID, pg.UUID, sa.Date), strict=True)],
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("starts_at", INSTANT),
        sa.Column("ends_at", INSTANT),
        sa.Column("location_id", pg.UUID),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'free'")),
        sa.Column("reservation_id", pg.UUID),
        sa.Column("appointment_id", pg.UUID),
        sa.Column("published", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.PrimaryKeyConstraint("id", name="pk_slots"),
        sa.ForeignKeyConstraint(DAY, [f"days.{name}" for name in DAY], name="fk_slots_clinic_id_doctor_id_date"),
        sa.UniqueConstraint(*DAY, "number", name="uq_slots_clinic_id_doctor_id_date_number"),
        sa.UniqueConstraint("reservation_id", name="uq_slots_reservation_id"),
    )
    state_slots()
    # Each booking and release writes a new version of a row; room beside the old one keeps a day's slots together.
    op.execute("ALTER TABLE slots SET (fillfactor = 60)")


def state_slots() -> None:
    """What is true of every slot, whatever wrote it."""
    for name, rule in {
        "number": "number >= 1",
        "state": "state IN ('free', 'taken')",
        "taken": "(state = 'taken') = (reservation_id IS NOT NULL) AND (state = 'taken') = (appointment_id IS NOT NULL)",
        "times": "(starts_at IS NULL) = (ends_at IS NULL) AND (starts_at IS NULL OR starts_at < ends_at)",
    }.items():
        op.execute(f"ALTER TABLE slots ADD CONSTRAINT ck_slots_{name} CHECK ({rule})")
    op.execute(
        "ALTER TABLE slots ADD CONSTRAINT ex_slots_doctor_times EXCLUDE USING gist"
        " (clinic_id WITH =, doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (starts_at IS NOT NULL)"
    )
    op.create_index("ix_slots_free", "slots", [*DAY, "number"], postgresql_where=sa.text("state = 'free'"))
