"""The archive of Kafka's classes where it cannot be made: everything goes as well without it."""

import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import jars, kafka_archive
from deploy.embedded.failure import StartFailed
from deploy.embedded.kafka import Kafka
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.state import StateFile


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    jars.cache_folder().mkdir()
    return jars.cache_folder()


def test_a_broker_that_does_not_start_leaves_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise StartFailed("kafka", tmp_path / "kafka.log", "no memory")

    monkeypatch.setattr(Kafka, "start", fails)
    kafka_archive.make()
    assert kafka_archive.java_options() == () and not kafka_archive.archive().exists()


def test_it_is_used_when_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def starts(_: Kafka, option: str) -> None:
        made.append(option)
        Path(option.partition("=")[2]).write_bytes(b"classes")

    monkeypatch.setattr(Kafka, "start", starts)
    kafka_archive.make()
    kafka_archive.make()
    verified = "-XX:+UnlockDiagnosticVMOptions", "-XX:+VerifySharedSpaces"
    assert kafka_archive.java_options() == (f"-XX:AOTCache={kafka_archive.archive()}", *verified)
    assert len(made) == 1 and made[0].startswith("-XX:AOTCacheOutput=")


def test_of_other_jars_it_is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java goes on without one that does not fit its jars, and says nothing."""
    monkeypatch.setattr(Kafka, "start", lambda _, option: Path(option.partition("=")[2]).write_bytes(b"classes"))
    jar = cache / f"kafka-{jars.KAFKA_VERSION}" / "kafka.jar"
    jar.parent.mkdir()
    jar.write_bytes(b"one")
    kafka_archive.make()
    first = kafka_archive.archive()
    assert first.exists()
    jar.write_bytes(b"another")
    assert kafka_archive.java_options() == ()
    kafka_archive.make()
    assert [path.name for path in cache.glob("*.aot")] == [kafka_archive.archive().name] != [first.name]


def test_the_broker_that_makes_it_is_ended_by_the_next_start_if_we_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers, left = EmbeddedServers(tmp_path / "home"), []

    def is_killed(broker: Kafka, _: str) -> None:
        broker.process.command = (sys.executable, "-c", "import time; time.sleep(60)")
        broker.process.start()
        left.extend(StateFile(servers.folder).leftovers())
        raise StartFailed("kafka", tmp_path / "kafka.log", "killed")

    monkeypatch.setattr(jars, "kafka_jars", lambda _=None: [])
    monkeypatch.setattr(Kafka, "start", is_killed)
    servers.fetch()
    assert left == ["kafka"]


def test_where_nothing_can_be_written_there_is_none() -> None:
    kafka_archive.archive().with_suffix(".lock").mkdir()
    kafka_archive.make()
    assert kafka_archive.java_options() == ()
