"""Clinics, and the first of them: `default`, for which requests act while access is open.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0001"
down_revision = None

DEFAULT_CLINIC = "INSERT INTO clinics (id, code) VALUES ('00000000-0000-7000-8000-000000000001', 'default')"


def upgrade() -> None:
    """Makes both tables and the default clinic, whose announcement is still to come."""
    make_outbox()
    make_clinics()
    op.execute(DEFAULT_CLINIC)


def downgrade() -> None:
    """Drops everything."""
    for table in ("clinics", "outbox"):
        op.drop_table(table)


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
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_topic_key", "outbox", ["topic", "key"])


def make_clinics() -> None:
    op.create_table(
        "clinics",
        sa.Column("id", pg.UUID, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("settings", pg.JSONB, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("1")),
        sa.Column("announced_version", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("id", name="pk_clinics"),
        sa.UniqueConstraint("code", name="uq_clinics_code"),
        sa.CheckConstraint("announced_version BETWEEN 0 AND version", name=op.f("ck_clinics_announced")),
    )
