"""Secrets of a stack: each made once, kept in the data folder for its owner only (mode 0600).

Called by the embedded servers (superuser), by those who prepare databases (roles) or make a service's environment (keys), and by
`deploy.compose`.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

SECRET_BYTES = 32


class Secrets:
    """The secrets below one folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """File of a secret, made with a random value if it does not exist."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.folder / name
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return file
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_hex(SECRET_BYTES))
        return file

    def value(self, name: str) -> str:
        """Value of a secret."""
        return self.path(name).read_text().strip()

    def passwords(self, roles: Iterable[str]) -> dict[str, str]:
        """Password of each database role."""
        return {role: self.value(f"{role}.password") for role in roles}
