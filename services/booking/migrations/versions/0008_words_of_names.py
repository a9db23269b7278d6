"""The words of patients' names, by which a search finds them: without marks (José is jose), apostrophes and hyphens.

A table of their own, not a trigram index: row security lets an index be asked only by operators that are leakproof, as
comparisons of text are and LIKE is not. Triggers keep it, so that it is also right for what a process of the version before
writes.

The words of those who are there are made behind that, in a statement that is safe to repeat. Row security hides all rows from the
owner of the tables, who gets policies of its own meanwhile.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EXTENSION = "CREATE EXTENSION IF NOT EXISTS unaccent"
# The marks are taken apart from their letters first: the dictionary of `unaccent` has no letter with two of them that is not one
# character.
WORDS = """
CREATE OR REPLACE FUNCTION words_of_name(name_key text) RETURNS text[] LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT array(
        SELECT DISTINCT word
        FROM regexp_split_to_table(lower(unaccent(normalize(replace(name_key, '''', ''), NFD))), '[ -]+') AS word
        WHERE word <> ''
    )
$$
"""
TABLE = """
CREATE TABLE IF NOT EXISTS patient_words (
    clinic_id uuid NOT NULL,
    word text COLLATE "C" NOT NULL,
    patient_id uuid NOT NULL,
    CONSTRAINT pk_patient_words PRIMARY KEY (clinic_id, word, patient_id),
    CONSTRAINT fk_patient_words_clinic_id_patient_id FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, id)
)
"""
INDEX = "CREATE INDEX IF NOT EXISTS ix_patient_words_patient_id ON patient_words (clinic_id, patient_id)"
SECURITY = (
    "ALTER TABLE patient_words ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE patient_words FORCE ROW LEVEL SECURITY",
    "DROP POLICY IF EXISTS clinics_of_transaction ON patient_words",
    "CREATE POLICY clinics_of_transaction ON patient_words"
    " USING (clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[]))"
    " WITH CHECK (clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[]))",
)
KEEP_NEW = """
CREATE OR REPLACE FUNCTION keep_words_of_new_patients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO patient_words (clinic_id, word, patient_id)
    SELECT made.clinic_id, word, made.id FROM made, unnest(words_of_name(made.name_key)) AS word;
    RETURN NULL;
END $$
"""
KEEP_CHANGED = """
CREATE OR REPLACE FUNCTION keep_words_of_changed_patient() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM patient_words WHERE clinic_id = NEW.clinic_id AND patient_id = NEW.id;
    INSERT INTO patient_words (clinic_id, word, patient_id)
    SELECT NEW.clinic_id, word, NEW.id FROM unnest(words_of_name(NEW.name_key)) AS word;
    RETURN NULL;
END $$
"""
TRIGGERS = (
    "CREATE OR REPLACE TRIGGER words_of_new_patients AFTER INSERT ON patients REFERENCING NEW TABLE AS made"
    " FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_new_patients()",
    "CREATE OR REPLACE TRIGGER words_of_changed_patient AFTER UPDATE OF name_key ON patients"
    " FOR EACH ROW WHEN (OLD.name_key IS DISTINCT FROM NEW.name_key) EXECUTE FUNCTION keep_words_of_changed_patient()",
)
POLICY = "owner_makes_words"
FILL = """
INSERT INTO patient_words (clinic_id, word, patient_id)
SELECT clinic_id, word, id FROM patients, unnest(words_of_name(name_key)) AS word
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    for statement in (EXTENSION, WORDS, TABLE, INDEX, *SECURITY, KEEP_NEW, KEEP_CHANGED, *TRIGGERS):
        op.execute(statement)
    with op.get_context().autocommit_block():
        for table in ("patients", "patient_words"):
            op.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}")
            op.execute(f"CREATE POLICY {POLICY} ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(FILL)
        for table in ("patients", "patient_words"):
            op.execute(f"DROP POLICY {POLICY} ON {table}")


def downgrade() -> None:
    op.execute("DROP TRIGGER words_of_changed_patient ON patients")
    op.execute("DROP TRIGGER words_of_new_patients ON patients")
    op.execute("DROP FUNCTION keep_words_of_changed_patient()")
    op.execute("DROP FUNCTION keep_words_of_new_patients()")
    op.execute("DROP TABLE patient_words")
    op.execute("DROP FUNCTION words_of_name(text)")
    op.execute("DROP EXTENSION unaccent")
