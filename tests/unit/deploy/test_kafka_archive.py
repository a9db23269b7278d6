"""The archive of Kafka's classes where it cannot be made: everything goes as well without it."""

from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import jars, kafka_archive
from deploy.embedded.failure import StartFailed
from deploy.embedded.kafka import Kafka


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


def test_where_nothing_can_be_written_there_is_none() -> None:
    kafka_archive.archive().with_suffix(".lock").mkdir()
    kafka_archive.make()
    assert kafka_archive.java_options() == ()
