"""Brings the services' databases to their newest schema, with Alembic, as the roles that own them. Safe to repeat.

Processes that do so at once do it one after the other. Called by `frontdesk up`, `frontdesk migrate`, `deploy.compose` and tests.
"""

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config

from deploy import blocking
from deploy.secrets import Secrets
from deploy.stores import databases


def prepare_and_migrate(superuser_dsn: str, secrets: Secrets) -> list[str]:
    """Roles, databases and newest schemas of all services on a server. Returns the services that have migrations."""
    passwords = secrets.passwords(databases.role_names())
    databases.prepare(superuser_dsn, passwords)
    return migrate(databases.owner_dsns(superuser_dsn, passwords))


def migrate(dsns: Mapping[str, str]) -> list[str]:
    """Bring databases to their newest schema; `dsns` are owners' URLs by service. Returns the services that have migrations."""
    migrated = []
    for service, dsn in dsns.items():
        scripts = migrations_folder(service)
        if scripts is not None:
            blocking.in_thread(functools.partial(_upgrade, scripts, dsn))
            migrated.append(service)
    return migrated


def migrations_folder(service: str) -> Path | None:
    """Folder of a service's migrations, found without importing the service; None if it has none."""
    found = importlib.util.find_spec("services")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / service / "migrations"
        if (folder / "env.py").exists():
            return folder
    return None


def _upgrade(scripts: Path, dsn: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = dsn
    command.upgrade(config, "head")
