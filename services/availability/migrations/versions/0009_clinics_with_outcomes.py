"""The clinics that have outcomes: for these the retention job acts, which row security shows no clinic's outcomes by itself.

A trigger keeps it, so that it is also right for what a process of the version before writes. The clinics of the outcomes that are
there are added behind that, in a statement that is safe to repeat. Row security hides all rows from the owner of the table, who
gets a policy of its own meanwhile.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE IF NOT EXISTS clinics_with_outcomes (
    clinic_id uuid NOT NULL,
    CONSTRAINT pk_clinics_with_outcomes PRIMARY KEY (clinic_id)
)
"""
# In one order in every process, so that two with clinics in common wait for each other instead of deadlocking.
KEEP = """
CREATE OR REPLACE FUNCTION keep_clinics_of_outcomes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO clinics_with_outcomes (clinic_id) SELECT DISTINCT clinic_id FROM made ORDER BY clinic_id ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE OR REPLACE TRIGGER clinics_of_outcomes AFTER INSERT ON outcomes REFERENCING NEW TABLE AS made
FOR EACH STATEMENT EXECUTE FUNCTION keep_clinics_of_outcomes()
"""
POLICY = "owner_adds_clinics"
FILL = "INSERT INTO clinics_with_outcomes (clinic_id) SELECT DISTINCT clinic_id FROM outcomes ON CONFLICT DO NOTHING"


def upgrade() -> None:
    for statement in (TABLE, KEEP, TRIGGER):
        op.execute(statement)
    with op.get_context().autocommit_block():
        op.execute(f"DROP POLICY IF EXISTS {POLICY} ON outcomes")
        op.execute(f"CREATE POLICY {POLICY} ON outcomes FOR SELECT TO CURRENT_USER USING (true)")
        op.execute(FILL)
        op.execute(f"DROP POLICY {POLICY} ON outcomes")


def downgrade() -> None:
    op.execute("DROP TRIGGER clinics_of_outcomes ON outcomes")
    op.execute("DROP FUNCTION keep_clinics_of_outcomes()")
    op.execute("DROP TABLE clinics_with_outcomes")
