"""The keys by which the names of patients are compared, made anew: without what is invisible, one apostrophe, one hyphen.

Row security hides all rows from the owner of the table, who gets a policy of its own while the keys are made. Each statement
commits by itself: the migration can be cut off and run again. Before it a trigger does the same to what processes of the version
before write from then on.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APOSTROPHES = "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u2032\u0060"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
INVISIBLE = (
    (0x00AD, 0x00AE), (0x034F, 0x0350), (0x061C, 0x061D), (0x115F, 0x1161), (0x17B4, 0x17B6), (0x180B, 0x1810), (0x200B, 0x2010),
    (0x202A, 0x202F), (0x2060, 0x2070), (0x2800, 0x2801), (0x3164, 0x3165), (0xFE00, 0xFE10), (0xFEFF, 0xFF00), (0xFFA0, 0xFFA1),
    (0xE0100, 0xE01F0),
)  # fmt: skip
"""From, and up to."""
FROM = APOSTROPHES + DASHES + "".join(chr(code) for begin, end in INVISIBLE for code in range(begin, end))
TO = "''" * len(APOSTROPHES) + "-" * len(DASHES)
# An acute accent by itself was kept as a blank and a combining one.
KEY = f"btrim(regexp_replace(translate(replace({{}}, ' \u0301', ''''), '{FROM}', '{TO}'), ' +', ' ', 'g'))"
KEEP = f"""
CREATE OR REPLACE FUNCTION keep_name_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_key := {KEY.format("NEW.name_key")};
    RETURN NEW;
END $$
"""
TRIGGER = (
    "CREATE OR REPLACE TRIGGER name_key_is_kept BEFORE INSERT OR UPDATE OF name_key ON patients"
    " FOR EACH ROW EXECUTE FUNCTION keep_name_key()"
)
UPDATE = f"UPDATE patients SET name_key = {KEY.format('name_key')} WHERE name_key <> {KEY.format('name_key')}"
POLICY = "owner_makes_name_keys"


def upgrade() -> None:
    op.execute(KEEP)
    op.execute(TRIGGER)
    with op.get_context().autocommit_block():
        op.execute(f"DROP POLICY IF EXISTS {POLICY} ON patients")
        op.execute(f"CREATE POLICY {POLICY} ON patients TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(UPDATE)
        op.execute(f"DROP POLICY {POLICY} ON patients")


def downgrade() -> None:
    """The keys stay: the version before finds by them what it wrote, but for names with such characters."""
    op.execute("DROP TRIGGER name_key_is_kept ON patients")
    op.execute("DROP FUNCTION keep_name_key()")
