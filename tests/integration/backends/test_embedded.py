"""What the embedded servers are started with."""

from pathlib import Path

import pytest

from deploy.embedded import kafka_archive
from deploy.embedded.servers import EmbeddedServers


@pytest.mark.embedded
def test_kafka_runs_on_the_archive_of_its_classes(servers: EmbeddedServers) -> None:
    """Java would go on without one that does not fit, and say so in Kafka's log only."""
    running = servers.servers.kafka.process.id
    assert running
    assert str(kafka_archive.archive()) in Path(f"/proc/{running.pid}/maps").read_text()
