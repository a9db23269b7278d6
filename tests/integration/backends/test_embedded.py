"""What the embedded servers are started with."""

import signal
from pathlib import Path

import psutil
import pytest

from deploy.embedded import kafka_archive
from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import any_free
from deploy.embedded.servers import EmbeddedServers


@pytest.mark.embedded
def test_kafka_runs_on_the_archive_of_its_classes(servers: EmbeddedServers) -> None:
    """Java would go on without one that does not fit, and say so in Kafka's log only."""
    running = servers.servers.kafka.process.id
    assert running
    assert str(kafka_archive.archive()) in Path(f"/proc/{running.pid}/maps").read_text()


@pytest.mark.embedded
def test_what_java_writes_when_it_crashes_is_beside_the_logs(tmp_path: Path) -> None:
    broker = Kafka(tmp_path / "kafka", tmp_path / "logs", any_free(), any_free(), kafka_archive.java_options())
    try:
        broker.start()
        identity = broker.process.id
        assert identity
        psutil.Process(identity.pid).send_signal(signal.SIGSEGV)
        psutil.wait_procs([psutil.Process(identity.pid)], 60)
    finally:
        broker.stop()
    assert (tmp_path / "logs" / f"kafka-crash-{identity.pid}.txt").exists()


@pytest.mark.embedded
def test_a_broker_starts_without_an_archive_that_is_damaged(
    servers: EmbeddedServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java trusts what it maps, and ends at the first class that is none."""
    whole, damaged = kafka_archive.archive().read_bytes(), tmp_path / "damaged.aot"
    damaged.write_bytes(whole[: len(whole) // 3].ljust(len(whole), b"\0"))
    monkeypatch.setattr(kafka_archive, "archive", lambda: damaged)
    broker = Kafka(tmp_path / "kafka", tmp_path, any_free(), any_free(), kafka_archive.java_options())
    try:
        broker.start()
    finally:
        broker.stop()
