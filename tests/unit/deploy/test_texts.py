"""Configuration files, the table and failures, as texts."""

from pathlib import Path

import pytest

from deploy.embedded import jars, kafka, report
from deploy.embedded.failure import StartFailed, last_lines, likely_cause
from deploy.embedded.valkey import arguments
from deploy.stores.databases import dsn_of, role_names
from deploy.stores.topics import Found, compare, topic_config
from shared.contracts.topics import BOOKING_COMMANDS, dead_letter_topics


def test_kafka_makes_no_topics_by_mistake_and_returns_fast() -> None:
    lines = kafka.properties(kafka.settings(Path("/data"), 9092, 9093)).splitlines()
    assert "auto.create.topics.enable=false" in lines
    assert "broker.session.timeout.ms=2000" in lines
    assert "listeners=CLIENTS://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093" in lines


def test_kafka_takes_the_largest_declared_record() -> None:
    assert max(topic.max_message_bytes for topic in dead_letter_topics()) <= kafka.MAX_MESSAGE_BYTES


def test_valkey_listens_on_loopback_and_keeps_nothing() -> None:
    line = " ".join(arguments(Path("/data"), 6380))
    assert "--bind 127.0.0.1 --port 6380" in line
    assert "--appendonly no" in line


def test_a_jar_that_differs_from_its_hash_is_refused(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"whole")
    good = {"a.jar": jars.sha256_of(jar)}
    jars.verify([jar], good)
    jar.write_bytes(b"brok")
    with pytest.raises(RuntimeError, match=r"a\.jar"):
        jars.verify([jar], good)
    with pytest.raises(RuntimeError, match=r"b\.jar"):
        jars.verify([], {"b.jar": "00"})


def test_every_pinned_jar_has_a_whole_hash() -> None:
    hashes = jars.pinned_hashes()
    assert {f"kafka_2.13-{jars.KAFKA_VERSION}.jar", "slf4j-simple-1.7.36.jar"} <= hashes.keys()
    assert {len(digest) for digest in hashes.values()} == {64}


def test_the_url_of_a_role_keeps_the_server_and_quotes_the_password() -> None:
    assert dsn_of("postgresql://postgres:x@127.0.0.1:5433/postgres", "booking_app", "a/b@c", "booking") == (
        "postgresql://booking_app:a%2Fb%40c@127.0.0.1:5433/booking"
    )
    assert role_names(["queue"]) == ["queue_owner", "queue_app", "frontdesk_reader"]


def test_a_topic_that_is_not_as_declared_is_named() -> None:
    declared = topic_config(BOOKING_COMMANDS, replicas=1)
    assert compare(BOOKING_COMMANDS, Found(BOOKING_COMMANDS.partitions, 1, declared, {})) == []
    assert compare(BOOKING_COMMANDS, Found(3, 1, declared | {"retention.ms": "1"}, {}), replication=2) == [
        "booking.commands: 3 partitions, declared 12",
        "booking.commands: 1 copies, asked for 2 (kafka-reassign-partitions.sh makes more)",
        f"booking.commands: retention.ms is 1, declared {BOOKING_COMMANDS.retention_ms}",
    ]


def test_all_brokers_but_one_have_what_is_acknowledged() -> None:
    wanted = {replicas: topic_config(BOOKING_COMMANDS, replicas)["min.insync.replicas"] for replicas in (1, 2, 3, 5)}
    assert wanted == {1: "1", 2: "1", 3: "2", 5: "4"}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("bind: Address already in use", "frontdesk up"),
        ("OSError: No space left on device", "df -h ."),
        ("ModuleNotFoundError: No module named 'x'", "make up"),
        ("something new", "frontdesk logs"),
    ],
)
def test_a_likely_cause_comes_with_a_command(text: str, command: str) -> None:
    assert likely_cause(text)[1] == command


def test_a_failed_start_says_all_that_helps(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("".join(f"line {n}\n" for n in range(40)) + "no space left on device\n")
    text = str(StartFailed("kafka", log, "it ended with code 1"))
    for part in ("kafka did not start: it ended with code 1", "line 39", "disk is full", "df -h .", str(log)):
        assert part in text
    assert "line 30" not in text
    assert last_lines(tmp_path / "absent") == []


def test_the_table_has_component_address_and_seconds() -> None:
    assert report.component_line("Kafka 4.2.0", 9092, 4.61, "jars fetched once, 27 s") == (
        "  ✓ Kafka 4.2.0       127.0.0.1:9092      4.6 s   (jars fetched once, 27 s)"
    )


def test_try_it_is_a_line_for_a_shell() -> None:
    (line,) = report.try_it_lines("http://127.0.0.1:8000", {"doctor_id": "d", "patient_id": "p"})
    assert line.endswith("""-d '{"doctor_id": "d", "patient_id": "p", "date": "'$(date -u +%F)'"}'""")
    assert report.try_it_lines("http://127.0.0.1:8000", None) == []


def test_the_next_commands_can_be_typed_where_they_are_printed() -> None:
    assert report.next_line(on_path=True).startswith(" Next: frontdesk demo · ")
    activate, _, commands = report.next_line(on_path=False).partition("): ")
    assert activate.startswith(" Next (after: . ") and activate.endswith("bin/activate")
    assert commands.startswith("frontdesk demo · ")
