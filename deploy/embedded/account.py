"""The account that PostgreSQL runs under when the stack is started by root, because PostgreSQL refuses root.

Whether that account can reach a file is found out by asking as that account, not by reading modes of folders.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CANDIDATES = ("postgres", "nobody")
# Where root keeps what the account must reach if the working folder is closed to it; open to everybody on Linux.
OPEN_FOLDER = Path("/var/lib/frontdesk")


@dataclass(frozen=True)
class Account:
    """A user that is not root, by its numbers."""

    name: str
    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Hand a file or an (empty) folder over to the account."""
        os.chown(path, self.uid, self.gid)

    def can(self, mode: str, path: Path) -> bool:
        """Ask as the account itself: mode `x` for reach and run, `w` for write."""
        asked = subprocess.run(
            ["/usr/bin/test", f"-{mode}", str(path)], user=self.uid, group=self.gid, extra_groups=[], check=False, cwd="/"
        )
        return asked.returncode == 0


def unprivileged() -> Account | None:
    """Account to run PostgreSQL under, or None if the process is not root and can run it itself."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise RuntimeError(f"started by root, and none of the accounts {', '.join(CANDIDATES)} exists to run PostgreSQL under")


def open_folder_for(folder: Path) -> Path:
    """Folder of the same meaning that every account can reach; the same one again after a restart."""
    return OPEN_FOLDER / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]


def readable_copy(source: Path, version: str) -> Path:
    """Copy binaries once to where every account can run them; complete or absent, also after a kill."""
    target = OPEN_FOLDER / f"postgres-{version}"
    if target.exists():
        return target
    partial = OPEN_FOLDER / f"postgres-{version}.partial-{os.getpid()}"
    OPEN_FOLDER.mkdir(parents=True, exist_ok=True)
    OPEN_FOLDER.chmod(0o755)
    shutil.copytree(source, partial, symlinks=True)
    try:
        partial.rename(target)
    except OSError:  # another stack was faster; its copy is as good
        shutil.rmtree(partial)
    return target


def purge_open_folder(folder: Path) -> None:
    """Remove what `open_folder_for` named, if it was made."""
    shutil.rmtree(open_folder_for(folder), ignore_errors=True)
