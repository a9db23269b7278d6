"""What services need to know of the servers under them, whoever runs these: the embedded stack, containers, somebody else.

Called by `deploy.environment` and `embedded.services`; `EmbeddedServers` is one, tests have others.
"""

from pathlib import Path
from typing import Protocol

from deploy.embedded.state import StateFile
from deploy.secrets import Secrets


class Backend(Protocol):
    """Where the servers are, and the folder of this machine that keeps secrets, logs and ports of what runs on them."""

    folder: Path
    logs: Path
    secrets: Secrets
    state: StateFile

    @property
    def kafka_bootstrap(self) -> str: ...
    @property
    def redis_url(self) -> str: ...
    def postgres_dsn(self, database: str = "postgres") -> str:
        """Superuser's URL of a database."""
        ...
