"""Brings empty servers to what services need: roles, databases and topics, as `frontdesk up` does. Called by each backend."""

from deploy import blocking
from deploy.embedded.backend import Backend
from deploy.stores import databases, topics


def prepare(servers: Backend) -> None:
    """Databases without tables (`Databases` migrates each when it is asked for), and every declared topic."""
    databases.prepare(servers.postgres_dsn(), servers.secrets.passwords(databases.role_names()))
    blocking.run(topics.create_topics(servers.kafka_connection))
