"""What services need to know of the servers under them, whoever runs these: the embedded stack, containers, somebody else.

Called by `environment` and `services` beside this module; `servers.EmbeddedServers` is one, tests have others.
"""

from abc import ABC, abstractmethod
from pathlib import Path

from deploy.embedded.ports import Claims
from deploy.embedded.state import StateFile
from deploy.secrets import Secrets
from shared.infra.settings import KafkaConnection


class Backend(ABC):
    """Where the servers are, a folder that keeps secrets, logs and ports of what runs on them, and the claims to these ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.secrets = Secrets(self.folder / "secrets")
        self.state = StateFile(self.folder)
        self.claims = Claims()

    @property
    @abstractmethod
    def kafka_bootstrap(self) -> str: ...

    @property
    def kafka_connection(self) -> KafkaConnection:
        """How clients connect to Kafka."""
        return KafkaConnection(bootstrap_servers=self.kafka_bootstrap)

    @property
    @abstractmethod
    def redis_url(self) -> str: ...

    @abstractmethod
    def postgres_dsn(self, database: str = "postgres") -> str:
        """Superuser's URL of a database."""
