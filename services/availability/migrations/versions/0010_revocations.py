"""How far the slots of a deleted doctor are revoked, of whom more was taken than one transaction says.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Technical and without a policy: a job asks for all clinics.
REVOCATIONS = """
CREATE TABLE revocations (
    clinic_id uuid NOT NULL,
    doctor_id uuid NOT NULL,
    date date NOT NULL,
    number bigint NOT NULL,
    actor text NOT NULL,
    principal text NOT NULL,
    correlation_id text NOT NULL,
    CONSTRAINT pk_revocations PRIMARY KEY (clinic_id, doctor_id)
)
"""


def upgrade() -> None:
    op.execute(REVOCATIONS)


def downgrade() -> None:
    op.execute("DROP TABLE revocations")
