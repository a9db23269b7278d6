"""The topics: one place names them, every message belongs to one, and keys keep the order that they promise."""

from datetime import date
from uuid import UUID

import pytest

from deploy import installation
from shared.contracts.envelope import AppointmentMessage, DayMessage, Message, RegistryMessage, day_key
from shared.contracts.topics import (
    ALL_TOPICS,
    GATEWAY_REPLIES,
    MAX_MESSAGE_BYTES,
    MAX_RECORD_BYTES,
    REGISTRY_EVENTS,
    Topic,
    consumed_by,
    dead_letter_topics,
)
from tests.support.golden import golden_message

pytestmark = pytest.mark.contracts

SERVICES = set(installation.names())
MESSAGES = sorted({message for topic in ALL_TOPICS for message in topic.messages}, key=lambda message: message.__name__)
CLINIC = "00000000-0000-7000-8000-000000000001"
DOCTOR = "01976a3e-0000-7000-8000-000000000d0c"
APPOINTMENT = "01976a3e-0000-7000-8000-000000000a99"
DAY = f"{CLINIC}:{DOCTOR}:2026-03-09"
KEYS = {
    "BookAppointment": DAY,
    "RescheduleAppointment": DAY,
    "ConfirmAppointment": f"{CLINIC}:{APPOINTMENT}",
    "SlotKept": DAY,
    "AppointmentConfirmed": DAY,
    "AppointmentExpired": DAY,
    "AppointmentMoved": DAY,
    "CancelAppointment": f"{CLINIC}:{APPOINTMENT}",
    "CheckInPatient": f"{CLINIC}:{APPOINTMENT}",
    "SlotReserved": DAY,
    "BookingRefused": DAY,
    "SlotFreed": DAY,
    "SlotRevoked": DAY,
    "AppointmentReassigned": DAY,
    "CommandRepeated": DAY,
    "ReservationQuestioned": DAY,
    "ReservationKept": DAY,
    "CommandFailed": DAY,
    "AppointmentBooked": DAY,
    "AppointmentRefused": DAY,
    "ReservationDeclined": DAY,
    "AppointmentCancelled": DAY,
    "SlotReleased": DAY,
    "PatientCheckedIn": DAY,
    "PatientQueued": DAY,
    "CommandAnswered": "3b0cbe5c-6b35-5b6e-9d5c-0a4f1d2c7e11",
    "ClinicChanged": f"{CLINIC}:clinic:{CLINIC}",
    "DoctorChanged": f"{CLINIC}:doctor:{DOCTOR}",
    "PatientChanged": f"{CLINIC}:patient:01976a3e-0000-7000-8000-000000000fa7",
}
RULES = {"clinic:doctor:date": DayMessage, "clinic:appointment": AppointmentMessage, "clinic:kind:id": RegistryMessage}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_the_key_of_a_golden_message(message: type[Message]) -> None:
    assert golden_message(message).key == KEYS[message.__name__].encode()


def test_a_day_key_is_the_clinic_the_doctor_and_the_date() -> None:
    assert day_key(UUID(CLINIC), UUID(DOCTOR), date(2026, 3, 9)) == DAY.encode()


@pytest.mark.parametrize("topic", [topic for topic in ALL_TOPICS if topic is not GATEWAY_REPLIES], ids=lambda topic: topic.name)
def test_all_messages_of_a_topic_follow_its_key_rule(topic: Topic) -> None:
    assert all(issubclass(message, RULES[topic.key]) for message in topic.messages)


def test_the_names_and_the_partitions() -> None:
    assert {topic.name for topic in ALL_TOPICS} == {
        "booking.commands", "appointment.commands", "queue.commands", "availability.events", "appointment.events", "queue.events",
        "registry.events", "gateway.replies",
    }  # fmt: skip
    assert {topic.partitions for topic in ALL_TOPICS} == {12}
    assert [topic for topic in ALL_TOPICS if topic.cleanup == "compact"] == [REGISTRY_EVENTS]


def test_commands_are_said_on_command_topics_and_only_there() -> None:
    for topic in ALL_TOPICS:
        assert {message.is_command for message in topic.messages} <= {topic.commands}


def test_every_topic_is_read_by_services_that_exist() -> None:
    assert {group for topic in ALL_TOPICS for group in topic.groups} == SERVICES


def test_what_each_service_reads() -> None:
    assert {service: {topic.name for topic in consumed_by(service)} for service in sorted(SERVICES)} == {
        "availability": {"booking.commands", "appointment.events", "registry.events"},
        "booking": {"availability.events", "appointment.commands", "queue.events", "registry.events"},
        "gateway": {"gateway.replies"},
        "queue": {"appointment.events", "queue.commands", "registry.events"},
    }


def test_dead_letters_are_named_after_topic_and_group() -> None:
    names = [topic.name for topic in dead_letter_topics()]
    assert sorted(names) == sorted(
        f"{topic.name}.{group}.dlq" for topic in ALL_TOPICS if topic is not GATEWAY_REPLIES for group in topic.groups
    )
    assert "booking.commands.availability.dlq" in names
    assert len(names) == len(set(names))


def test_a_dead_letter_has_room_for_the_largest_record_and_is_kept_longer() -> None:
    assert MAX_MESSAGE_BYTES < MAX_RECORD_BYTES
    for letters in dead_letter_topics():
        assert letters.max_message_bytes > MAX_RECORD_BYTES
        assert letters.retention_ms >= max(topic.retention_ms for topic in ALL_TOPICS)


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=lambda topic: topic.name)
def test_types_of_a_topic_are_found_by_the_name_that_messages_carry(topic: Topic) -> None:
    assert all(message.model_fields["type"].default == name for name, message in topic.types.items())
