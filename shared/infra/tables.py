"""The technical tables that several services have alike, as their code reads them.

Used by the services' `models.py` only: migrations carry their own SQL, so that a change here changes no released one. Inbox and
outbox carry no policy: a relay acts for all clinics.
"""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.dialects.postgresql import UUID as Uuid

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def metadata() -> MetaData:
    """Fresh metadata with one rule for the names of constraints."""
    return MetaData(naming_convention=NAMES)


def inbox_table(meta: MetaData) -> Table:
    """What has been admitted: one row a message. Commands also keep body hash and key, by which repeats are judged."""
    return Table(
        "inbox",
        meta,
        Column("message_id", Uuid, primary_key=True),
        Column("clinic_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("body_hash", Text),
        Column("topic_key", LargeBinary),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        Index("ix_inbox_received_at", "received_at"),
    )


def outbox_table(meta: MetaData) -> Table:
    """What is committed and not known to be published. `id` orders the messages of one key: their row's lock serialises them."""
    return Table(
        "outbox",
        meta,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("message_id", Uuid, nullable=False),
        Column("clinic_id", Uuid, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        Index("ix_outbox_topic_key", "topic", "key"),
    )


def outcomes_table(meta: MetaData) -> Table:
    """How commands ended: decided at `decided_at`, answered to clients from `settled_at` on. Ids, codes and times only.

    `result` is JSON as it was written, not jsonb: an answer given again is the same to the byte.
    """
    return Table(
        "outcomes",
        meta,
        Column("clinic_id", Uuid, primary_key=True),
        Column("command_id", Uuid, primary_key=True),
        Column("type", Text, nullable=False),
        Column("principal", Text, nullable=False),
        Column("body_hash", Text, nullable=False),
        Column("status_code", Integer, nullable=False),
        Column("code", Text),
        Column("result", JSON),
        Column("accepted_at", DateTime(timezone=True), nullable=False),
        Column("decided_at", DateTime(timezone=True), nullable=False),
        Column("settled_at", DateTime(timezone=True)),
        Index("ix_outcomes_decided_at", "decided_at"),
    )


def clinics_with_outcomes_table(meta: MetaData) -> Table:
    """The clinics that ever had an outcome. A trigger on `outcomes` keeps it; no policy, retention acts for all clinics."""
    return Table("clinics_with_outcomes", meta, Column("clinic_id", Uuid, primary_key=True))


def audit_table(meta: MetaData) -> Table:
    """What had an effect, who asked for it and why: one row an effect, in its transaction. Business data, append-only."""
    return Table(
        "audit",
        meta,
        Column("id", Uuid, primary_key=True),
        Column("clinic_id", Uuid, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("action", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False),
        Column("actor", Text, nullable=False),
        Column("principal", Text),
        Column("correlation_id", Text, nullable=False),
        Column("command_id", Uuid),
        Column("message_id", Uuid),
        Column("code", Text),
        Column("detail", JSON),
        Index("ix_audit_command_id", "clinic_id", "command_id"),
        Index("ix_audit_subject_id", "clinic_id", "subject_id", "at"),
    )


def clinic_settings_table(meta: MetaData) -> Table:
    """A service's read copy of the clinics' settings; the highest version wins."""
    return Table(
        "clinic_settings",
        meta,
        Column("clinic_id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("settings", JSONB, nullable=False),
    )
