"""Releases as they were: the code of a commit, with the packages that it was locked to, in an interpreter of its own.

They are made below `.upgrade` once, by git and pip. Called by `conftest.py`.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from deploy import installation
from deploy.embedded import jars

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".upgrade"
RELEASES = Path(__file__).with_name("releases.toml")
MIGRATE = """
import sys
from alembic import command
from alembic.config import Config

folder, url = sys.argv[1:]
config = Config()
config.set_main_option("script_location", folder)
config.set_main_option("path_separator", "os")
config.attributes["url"] = url
command.upgrade(config, "head")
"""


@dataclass(frozen=True)
class Release:
    """Code that services run from, and the interpreter that has what it needs."""

    version: str
    root: Path
    python: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """What its processes are told while those of the release before run beside them."""
    unknown_settings: Collection[str] = ()
    """What the present code's processes are told, and it would refuse."""

    def environment(self, of_process: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process, made for the present code, as one of this release has it."""
        known = {name: value for name, value in of_process.items() if name not in self.unknown_settings}
        return {**known, "PYTHONPATH": str(self.root), **self.settings}

    def migrate(self, dsns: Mapping[str, str]) -> None:
        """Brings databases to this release's newest schema; `dsns` are their owners' URLs by service."""
        for service, dsn in dsns.items():
            command = [str(self.python), "-c", MIGRATE, str(self._migrations(service)), dsn]
            subprocess.run(command, check=True, cwd=self.root, env=self.environment(os.environ))

    def revisions(self) -> dict[str, str]:
        """This release's newest schema of each database: the number that the name of its last migration begins with."""
        files = {service: (self._migrations(service) / "versions").glob("[0-9]*.py") for service in installation.names()}
        return {service: max(file.name for file in found).partition("_")[0] for service, found in files.items()}

    def _migrations(self, service: str) -> Path:
        return self.root / "services" / service / "migrations"


class NoHistory(Exception):
    """The clone does not have the commit of a release."""


def present() -> Release:
    """The code of this checkout."""
    settings = {"FRONTDESK_DRAIN_SECONDS": "0", "FRONTDESK_OLDEST_VERSION": _newest()["version"]}
    return Release("present", ROOT, Path(sys.executable), settings)


def last() -> Release:
    """The newest release, made if it is not there yet. Raises `NoHistory`."""
    newest = _newest()
    return made(newest["version"], newest["commit"], newest["unknown_settings"])


def made(version: str, commit: str, unknown_settings: Collection[str] = ()) -> Release:
    """A release out of its commit. Raises `NoHistory`, saying what to fetch."""
    folder = FOLDER / f"{version}-{commit}"
    release = Release(version, folder, folder / ".venv" / "bin" / "python", unknown_settings=unknown_settings)
    with jars.only_one(FOLDER / f"{version}.lock"):
        if not (folder / ".venv" / ".installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _unpack(commit, folder)
            _install(release)
    return release


def _newest() -> dict[str, Any]:
    return dict(tomllib.loads(RELEASES.read_text(encoding="utf-8"))["release"][-1])


def _unpack(commit: str, folder: Path) -> None:
    archived = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode:
        said = archived.stderr.decode().strip()
        raise NoHistory(f"There is no commit {commit} here ({said}). Fetch the whole history: git fetch --unshallow origin")
    with tarfile.open(fileobj=BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _install(release: Release) -> None:
    environment = release.root / ".venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    install = [str(release.python), "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", "requirements.lock"]
    subprocess.run(install, check=True, cwd=release.root)
    (environment / ".installed").touch()
