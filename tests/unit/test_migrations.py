"""Every migration as SQL: squawk finds in it what would lock, break or lose on a live database, and all of it goes back, too."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy import installation
from tests.support.revisions import REVISIONS, revision, sql_of

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SQUAWK = Path(sys.executable).parent / "squawk"
HARMFUL = "ALTER TABLE slots ADD COLUMN note text NOT NULL;\nCREATE INDEX ix_slots_note ON slots (note);\n"


def complaints(sql: str) -> list[str]:
    """What squawk says about a migration: about its transaction, and about what it does behind that, statement by statement."""
    within, _, beside = sql.partition("COMMIT;")
    return [*squawk(within), *squawk(beside.partition("BEGIN;")[0], "--no-assume-in-transaction")]


def squawk(sql: str, *options: str) -> list[str]:
    """What squawk says about a piece of SQL, under the rules of `.squawk.toml`."""
    ran = subprocess.run(
        [SQUAWK, "--reporter", "gcc", *options], input=sql, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert bool(ran.returncode) == bool(ran.stdout), ran.stderr
    return ran.stdout.splitlines()


def test_every_service_with_tables_is_here() -> None:
    assert {path.parts[-4] for path in REVISIONS} == set(installation.names())


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_migration_is_safe_on_a_live_database(path: Path) -> None:
    sql = sql_of(revision(path).upgrade)
    assert any(change in sql for change in ("CREATE TABLE", "ALTER TABLE", "CREATE INDEX", "UPDATE "))
    assert complaints(sql) == []


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_what_a_migration_makes_it_can_take_away(path: Path) -> None:
    made = sql_of(revision(path).upgrade).count("CREATE TABLE")
    assert sql_of(revision(path).downgrade).count("DROP TABLE") == made


def test_a_harmful_migration_would_be_found() -> None:
    found = " ".join(complaints(HARMFUL))
    assert "adding-required-field" in found
    assert "require-concurrent-index-creation" in found
