"""The migrations as files, and the SQL that one of them sends: without a database, or for a test that has one."""

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from alembic.migration import MigrationContext
from alembic.operations import Operations

REVISIONS = sorted(Path(__file__).parents[2].glob("services/*/migrations/versions/*.py"))


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


def upgrade_of(service: str, name: str) -> str:
    """What a revision of a service sends and commits, by the part of its file name behind the number."""
    (path,) = (path for path in REVISIONS if path.parts[-4] == service and path.stem.partition("_")[2] == name)
    return f"BEGIN; {sql_of(revision(path).upgrade)} COMMIT;"
