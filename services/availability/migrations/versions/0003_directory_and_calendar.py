"""The directory (categories, price ranges, locations of doctors) and the calendar (schedules, exceptions, slots with a zone).

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CATEGORIES = """
CREATE TABLE categories (
    clinic_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_categories PRIMARY KEY (clinic_id, id),
    CONSTRAINT uq_categories_clinic_id_name_key UNIQUE (clinic_id, name_key),
    CONSTRAINT ck_categories_version CHECK (version >= 1)
)
"""
PRICE_RANGES = """
CREATE TABLE price_ranges (
    clinic_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    currency text NOT NULL,
    min bigint NOT NULL,
    max bigint NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_price_ranges PRIMARY KEY (clinic_id, id),
    CONSTRAINT uq_price_ranges_clinic_id_name_key UNIQUE (clinic_id, name_key),
    CONSTRAINT ck_price_ranges_currency CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_price_ranges_amounts CHECK (min >= 0 AND max >= min),
    CONSTRAINT ck_price_ranges_version CHECK (version >= 1)
)
"""
# Constraints on tables with data are validated by the next migration, which holds no lock meanwhile.
DOCTORS = (
    "ALTER TABLE doctors ADD COLUMN category_id uuid, ADD COLUMN price_range_id uuid, ADD COLUMN external_id text,"
    " ADD COLUMN scheduled boolean NOT NULL DEFAULT false, ADD COLUMN schedule_version bigint NOT NULL DEFAULT 0",
    "ALTER TABLE doctors ADD CONSTRAINT fk_doctors_clinic_id_category_id FOREIGN KEY (clinic_id, category_id)"
    " REFERENCES categories (clinic_id, id) NOT VALID",
    "ALTER TABLE doctors ADD CONSTRAINT fk_doctors_clinic_id_price_range_id FOREIGN KEY (clinic_id, price_range_id)"
    " REFERENCES price_ranges (clinic_id, id) NOT VALID",
)
LOCATIONS = """
CREATE TABLE locations (
    clinic_id uuid NOT NULL,
    id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    place integer NOT NULL,
    name text,
    address json NOT NULL,
    time_zone text,
    removed boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_locations PRIMARY KEY (clinic_id, id),
    CONSTRAINT fk_locations_clinic_id_doctor_id FOREIGN KEY (clinic_id, doctor_id) REFERENCES doctors (clinic_id, id)
)
"""
ENTRIES = """
CREATE TABLE schedule_entries (
    clinic_id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    place integer NOT NULL,
    weekday integer NOT NULL,
    start_minute integer NOT NULL,
    end_minute integer NOT NULL,
    location_id uuid,
    slot_minutes integer NOT NULL,
    valid_from date,
    valid_to date,
    CONSTRAINT pk_schedule_entries PRIMARY KEY (clinic_id, doctor_id, place),
    CONSTRAINT fk_schedule_entries_clinic_id_doctor_id FOREIGN KEY (clinic_id, doctor_id) REFERENCES doctors (clinic_id, id),
    CONSTRAINT fk_schedule_entries_clinic_id_location_id FOREIGN KEY (clinic_id, location_id)
        REFERENCES locations (clinic_id, id),
    CONSTRAINT ck_schedule_entries_weekday CHECK (weekday BETWEEN 1 AND 7),
    CONSTRAINT ck_schedule_entries_minutes CHECK (0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440),
    CONSTRAINT ck_schedule_entries_slot_minutes CHECK (slot_minutes BETWEEN 1 AND 1440),
    CONSTRAINT ck_schedule_entries_validity CHECK (valid_from <= valid_to)
)
"""
EXCEPTIONS = """
CREATE TABLE exceptions (
    clinic_id uuid NOT NULL,
    id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    kind text NOT NULL,
    from_date date NOT NULL,
    to_date date NOT NULL,
    start_minute integer,
    end_minute integer,
    location_id uuid,
    slot_minutes integer,
    reason text,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_exceptions PRIMARY KEY (clinic_id, id),
    CONSTRAINT fk_exceptions_clinic_id_doctor_id FOREIGN KEY (clinic_id, doctor_id) REFERENCES doctors (clinic_id, id),
    CONSTRAINT fk_exceptions_clinic_id_location_id FOREIGN KEY (clinic_id, location_id) REFERENCES locations (clinic_id, id),
    CONSTRAINT ck_exceptions_kind CHECK (kind IN ('closed', 'extra')),
    CONSTRAINT ck_exceptions_dates CHECK (from_date <= to_date AND (kind = 'closed' OR from_date = to_date)),
    CONSTRAINT ck_exceptions_hours CHECK ((kind = 'extra') = (start_minute IS NOT NULL AND end_minute IS NOT NULL
        AND slot_minutes IS NOT NULL) AND (kind = 'extra' OR location_id IS NULL)),
    CONSTRAINT ck_exceptions_minutes CHECK (0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440),
    CONSTRAINT ck_exceptions_reason CHECK (reason IN ('patient', 'clinic', 'ill', 'duplicate', 'other'))
)
"""
# A timer of each scheduled doctor, technical and without a policy: a job asks for all clinics.
PUBLICATIONS = """
CREATE TABLE publications (
    clinic_id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT pk_publications PRIMARY KEY (clinic_id, doctor_id)
)
"""
SLOTS = (
    "ALTER TABLE slots ADD COLUMN time_zone text",
    "ALTER TABLE slots ADD CONSTRAINT ck_slots_time_zone CHECK ((starts_at IS NULL) = (time_zone IS NULL)) NOT VALID",
)
INDEXES = (
    "CREATE INDEX ix_locations_clinic_id_doctor_id ON locations (clinic_id, doctor_id, place)",
    "CREATE INDEX ix_exceptions_clinic_id_doctor_id ON exceptions (clinic_id, doctor_id, from_date, id)",
    "CREATE INDEX ix_publications_due_at ON publications (due_at)",
)
BUSINESS_TABLES = ("categories", "price_ranges", "locations", "schedule_entries", "exceptions")
POLICY = "clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[])"


def row_security(table: str) -> list[str]:
    """The clinics' policy on a table of business data, enabled and forced."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY clinics_of_transaction ON {table} USING ({POLICY}) WITH CHECK ({POLICY})",
    ]


def upgrade() -> None:
    policies = [statement for table in BUSINESS_TABLES for statement in row_security(table)]
    tables = (CATEGORIES, PRICE_RANGES, *DOCTORS, LOCATIONS, ENTRIES, EXCEPTIONS, PUBLICATIONS)
    for statement in (*tables, *SLOTS, *INDEXES, *policies):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE slots DROP COLUMN time_zone")
    for table in ("publications", "exceptions", "schedule_entries", "locations"):
        op.execute(f"DROP TABLE {table}")
    op.execute(
        "ALTER TABLE doctors DROP COLUMN category_id, DROP COLUMN price_range_id, DROP COLUMN external_id,"
        " DROP COLUMN scheduled, DROP COLUMN schedule_version"
    )
    op.execute("DROP TABLE price_ranges")
    op.execute("DROP TABLE categories")
