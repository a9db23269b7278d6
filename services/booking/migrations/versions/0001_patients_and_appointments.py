"""Patients, appointments, and the technical tables of a service. Every rule that a database can hold is held here.

`live` is what holds a slot: pending, booked or checked in. The uniques and the exclusion are over what is live.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LIVE = "status IN ('pending', 'booked', 'checked_in')"

PATIENTS = """
CREATE TABLE patients (
    clinic_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    phone bytea NOT NULL,
    phone_index bytea NOT NULL,
    date_of_birth bytea,
    status text NOT NULL,
    merged_into uuid,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_patients PRIMARY KEY (clinic_id, id),
    CONSTRAINT fk_patients_clinic_id_merged_into FOREIGN KEY (clinic_id, merged_into) REFERENCES patients (clinic_id, id),
    CONSTRAINT ck_patients_status CHECK (status IN ('active', 'deleted')),
    CONSTRAINT ck_patients_merged CHECK (merged_into IS NULL OR (status = 'deleted' AND merged_into <> id)),
    CONSTRAINT ck_patients_version CHECK (version > 0)
) WITH (fillfactor = 90)
"""

APPOINTMENTS = f"""
CREATE TABLE appointments (
    clinic_id uuid NOT NULL,
    id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    date date NOT NULL,
    time_zone text NOT NULL,
    slot_id uuid NOT NULL,
    slot_number integer NOT NULL,
    reservation_id uuid NOT NULL,
    location_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    status text NOT NULL,
    expires_at timestamptz,
    exclusive_day boolean NOT NULL,
    version bigint NOT NULL,
    cancel_reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    command_id uuid NOT NULL,
    CONSTRAINT pk_appointments PRIMARY KEY (clinic_id, id),
    CONSTRAINT uq_appointments_reservation_id UNIQUE (reservation_id),
    CONSTRAINT fk_appointments_clinic_id_patient_id FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, id),
    CONSTRAINT ck_appointments_status CHECK
        (status IN ('pending', 'booked', 'checked_in', 'fulfilled', 'no_show', 'cancelled', 'expired')),
    CONSTRAINT ck_appointments_held_until CHECK (status NOT IN ('pending', 'expired') OR expires_at IS NOT NULL),
    CONSTRAINT ck_appointments_confirmed CHECK
        (status NOT IN ('booked', 'checked_in', 'fulfilled', 'no_show') OR expires_at IS NULL),
    CONSTRAINT ck_appointments_times CHECK
        ((starts_at IS NULL) = (ends_at IS NULL) AND (starts_at IS NULL OR starts_at < ends_at)),
    CONSTRAINT ck_appointments_slot_number CHECK (slot_number > 0),
    CONSTRAINT ck_appointments_version CHECK (version > 0),
    CONSTRAINT ck_appointments_cancel_reason CHECK
        (cancel_reason IS NULL OR (status = 'cancelled' AND cancel_reason IN ('patient', 'clinic', 'ill', 'duplicate', 'other'))),
    CONSTRAINT ex_appointments_patient_in_one_place EXCLUDE USING gist
        (clinic_id WITH =, patient_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (starts_at IS NOT NULL AND {LIVE})
) WITH (fillfactor = 90)
"""

TECHNICAL = (
    """
CREATE TABLE inbox (
    message_id uuid NOT NULL CONSTRAINT pk_inbox PRIMARY KEY,
    clinic_id uuid NOT NULL,
    type text NOT NULL,
    body_hash text,
    topic_key bytea,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
""",
    """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    message_id uuid NOT NULL,
    clinic_id uuid NOT NULL,
    correlation_id text NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
""",
    """
CREATE TABLE outcomes (
    clinic_id uuid NOT NULL,
    command_id uuid NOT NULL,
    type text NOT NULL,
    principal text NOT NULL,
    body_hash text NOT NULL,
    status_code integer NOT NULL,
    code text,
    result json,
    accepted_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_outcomes PRIMARY KEY (clinic_id, command_id)
) WITH (fillfactor = 80)
""",
    """
CREATE TABLE clinic_settings (
    clinic_id uuid NOT NULL CONSTRAINT pk_clinic_settings PRIMARY KEY,
    version bigint NOT NULL,
    settings jsonb NOT NULL
)
""",
)

INDEXES = (
    "CREATE INDEX ix_patients_clinic_id_phone_index ON patients (clinic_id, phone_index)",
    f"CREATE UNIQUE INDEX uq_appointments_clinic_id_slot_id ON appointments (clinic_id, slot_id) WHERE {LIVE}",
    "CREATE UNIQUE INDEX uq_appointments_exclusive_day ON appointments (clinic_id, patient_id, doctor_id, date) "
    f"WHERE exclusive_day AND {LIVE}",
    # One for each way to list: a patient's, a doctor's, a clinic's, all in the order of the list.
    "CREATE INDEX ix_appointments_patient ON appointments (clinic_id, patient_id, date, slot_number, id)",
    "CREATE INDEX ix_appointments_doctor ON appointments (clinic_id, doctor_id, date, slot_number, id)",
    "CREATE INDEX ix_appointments_date ON appointments (clinic_id, date, slot_number, id)",
    "CREATE INDEX ix_inbox_received_at ON inbox (received_at)",
    "CREATE INDEX ix_outbox_topic_key ON outbox (topic, key)",
    "CREATE INDEX ix_outcomes_decided_at ON outcomes (decided_at)",
)

BUSINESS_TABLES = ("patients", "appointments", "outcomes", "clinic_settings")
POLICY = "clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[])"


def row_security(table: str) -> list[str]:
    """The clinics' policy on a table of business data, enabled and forced."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY clinics_of_transaction ON {table} USING ({POLICY}) WITH CHECK ({POLICY})",
    ]


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    policies = [statement for table in BUSINESS_TABLES for statement in row_security(table)]
    for statement in (PATIENTS, APPOINTMENTS, *TECHNICAL, *INDEXES, *policies):
        op.execute(statement)


def downgrade() -> None:
    for table in ("appointments", "patients", "inbox", "outbox", "outcomes", "clinic_settings"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP EXTENSION btree_gist")
