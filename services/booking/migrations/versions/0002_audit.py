"""The audit trail."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POLICY = "clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[])"
AUDIT = (
    """
CREATE TABLE audit (
    id uuid CONSTRAINT pk_audit PRIMARY KEY,
    clinic_id uuid NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    subject_id uuid NOT NULL,
    actor text NOT NULL,
    principal text,
    correlation_id text NOT NULL,
    command_id uuid,
    message_id uuid,
    code text,
    detail json
)
""",
    "CREATE INDEX ix_audit_command_id ON audit (clinic_id, command_id)",
    "CREATE INDEX ix_audit_subject_id ON audit (clinic_id, subject_id, at)",
    "ALTER TABLE audit ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE audit FORCE ROW LEVEL SECURITY",
    f"CREATE POLICY clinics_of_transaction ON audit USING ({POLICY}) WITH CHECK ({POLICY})",
    'REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM "booking_app"',
    """
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'insufficient_privilege'; END $$
""",
    "CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit()",
)
"""Rows are only ever added: not changed by the process, and by no slip of the owner either."""


def upgrade() -> None:
    for statement in AUDIT:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION refuse_change_of_audit")
