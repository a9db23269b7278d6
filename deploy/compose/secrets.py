"""Makes the secrets of a composed system once, and gives each container those that it may read.

Below `FOLDER` each folder is a volume. `setup` keeps everything and is mounted in the setup only; any other is the only one that
its container mounts, read-only, so a service cannot read another's password. Called by `python -m deploy.compose`, and by the
build of the image, which makes the folders.
"""

from pathlib import Path

import structlog

from deploy import installation
from deploy.secrets import Secrets
from deploy.stores.databases import READER_ROLE, app_dsns, dsn_of, role_names

log = structlog.get_logger()

FOLDER = Path("/secrets")
SETUP, POSTGRES, TOOLS = "setup", "postgres", "tools"
SUPERUSER_FILE = "superuser.password"
SERVICE_URL, READER_URL, PSQL_PASSWORD = "postgres.url", "reader.url", "pgpass"
OWNER_ONLY, EVERYBODY = 0o400, 0o444
SERVER = "postgresql://postgres:{}@postgres:5432/postgres"


def readers() -> tuple[str, ...]:
    """The folders below `FOLDER`: all of them are made for our own user, but that of PostgreSQL, which runs as another."""
    return (SETUP, POSTGRES, TOOLS, *installation.names())


def make_secrets(folder: Path) -> None:
    """Make what is missing; what was made before stays as it is."""
    for reader, files in files_of_readers(Secrets(folder / SETUP)).items():
        for name, content in files.items():
            # PostgreSQL runs under another account; its volume is mounted by nobody else.
            _write(folder / reader / name, content, EVERYBODY if reader == POSTGRES else OWNER_ONLY)
    log.info("secrets_ready")


def superuser_dsn(secrets: Secrets) -> str:
    """Superuser's URL of the server."""
    return SERVER.format(secrets.value(SUPERUSER_FILE))


def files_of_readers(secrets: Secrets) -> dict[str, dict[str, str]]:
    """Content of each file by its reader."""
    server, passwords = superuser_dsn(secrets), secrets.passwords(role_names())
    urls = app_dsns(server, passwords)
    return {
        POSTGRES: {SUPERUSER_FILE: secrets.value(SUPERUSER_FILE)},
        TOOLS: {
            READER_URL: dsn_of(server, READER_ROLE, passwords[READER_ROLE], "postgres"),
            PSQL_PASSWORD: f"*:*:*:{READER_ROLE}:{passwords[READER_ROLE]}",
        },
        **{
            spec.name: {SERVICE_URL: urls[spec.name], **{key: secrets.value(key) for key in spec.keys}}
            for spec in installation.SERVICES
        },
    }


def _write(file: Path, content: str, mode: int) -> None:
    """Replace a file as a whole, unless it says the same already."""
    if file.exists() and file.read_text() == content:
        return
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(content)
    partial.chmod(mode)
    partial.rename(file)
