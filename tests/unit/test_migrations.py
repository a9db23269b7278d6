"""Every migration as SQL: squawk finds in it what would lock, break or lose on a live database, and all of it goes back, too."""

import importlib.util
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations

from deploy import installation

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SQUAWK = Path(sys.executable).parent / "squawk"
REVISIONS = sorted(ROOT.glob("services/*/migrations/versions/*.py"))
HARMFUL = "ALTER TABLE slots ADD COLUMN note text NOT NULL;\nCREATE INDEX ix_slots_note ON slots (note);\n"


def revision(path: Path) -> ModuleType:
    """The module of a revision: its file name starts with a number, so it cannot be imported by name."""
    spec = importlib.util.spec_from_file_location(f"revision_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sql_of(step: Callable[[], None]) -> str:
    """What an upgrade or a downgrade would send, without a database."""
    written = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written})
    with Operations.context(context):
        step()
    return written.getvalue()


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
    assert any(change in sql for change in ("CREATE TABLE", "ALTER TABLE", "CREATE INDEX"))
    assert complaints(sql) == []


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_what_a_migration_makes_it_can_take_away(path: Path) -> None:
    made = sql_of(revision(path).upgrade).count("CREATE TABLE")
    assert sql_of(revision(path).downgrade).count("DROP TABLE") == made


def test_a_harmful_migration_would_be_found() -> None:
    found = " ".join(complaints(HARMFUL))
    assert "adding-required-field" in found
    assert "require-concurrent-index-creation" in found
