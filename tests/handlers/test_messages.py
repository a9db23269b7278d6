"""Each service acts on the messages that are meant for it and leaves the others of its topics alone, all of them on purpose.

What it acts on is seen by what it reaches for: the first touch of the database, or something said.
"""

import datetime as dt
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotFreed, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentReassigned,
    AppointmentRefused,
    BookAppointment,
    CancelAppointment,
    CheckInPatient,
    ConfirmAppointment,
    PatientCheckedIn,
    RescheduleAppointment,
    ReservationDeclined,
    ReservationKept,
    SlotReleased,
)
from shared.contracts.commands import CommandFailed, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.queue import PatientQueued
from shared.contracts.registry import ClinicChanged, DoctorChanged, PatientChanged
from shared.contracts.topics import consumed_by
from shared.infra.inbox import Admitted
from shared.infra.runtime import Runtime
from shared.infra.unit import Unit
from tests.support.golden import golden_message

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)

ACTS: dict[str, set[type[Message]]] = {
    "availability": {
        BookAppointment, AppointmentBooked, AppointmentMoved, ReservationKept, AppointmentRefused, SlotReleased, CommandRepeated,
        ClinicChanged, RescheduleAppointment, ReservationDeclined,
    },
    "booking": {
        SlotReserved, SlotKept, BookingRefused, ReservationQuestioned, SlotRevoked, SlotFreed, ConfirmAppointment,
        CancelAppointment, CheckInPatient, PatientQueued, CommandRepeated, CommandFailed, ClinicChanged,
    },
    "queue": {PatientCheckedIn, AppointmentReassigned, CommandRepeated, ClinicChanged},
}  # fmt: skip
IGNORES: dict[str, set[type[Message]]] = {
    "availability": {
        AppointmentConfirmed,
        AppointmentExpired,
        AppointmentCancelled,
        AppointmentReassigned,
        PatientCheckedIn,
        DoctorChanged,
        PatientChanged,
    },
    "booking": {DoctorChanged, PatientChanged},
    "queue": {
        AppointmentBooked,
        AppointmentRefused,
        AppointmentCancelled,
        AppointmentConfirmed,
        AppointmentExpired,
        AppointmentMoved,
        ReservationDeclined,
        ReservationKept,
        SlotReleased,
        DoctorChanged,
        PatientChanged,
    },
}


def ordered(kinds: set[type[Message]]) -> list[type[Message]]:
    """In one order in every run."""
    return sorted(kinds, key=lambda kind: kind.__name__)


class Touched(Exception):
    """The handler reached for the database."""


class Untouchable:
    """A connection that tells of the first use of it."""

    def __getattr__(self, name: str) -> Any:
        raise Touched


class NoLocks:
    """Day locks that are always had."""

    @asynccontextmanager
    async def hold(self, days: object) -> AsyncIterator[None]:
        yield


async def acts(service: str, admitted: Admitted) -> bool:
    """Whether a batch makes the service do anything."""
    handle = importlib.import_module(f"services.{service}.handlers").make_handler(cast(Runtime, SimpleNamespace(locks=NoLocks())))
    unit = Unit(cast(Any, Untouchable()), NOW)
    try:
        await handle(unit, admitted)
    except Touched:
        return True
    return bool(unit.emitted or unit.replies)


def golden(kind: type[Message], **changed: object) -> Message:
    return golden_message(kind).model_copy(update=changed)


@pytest.mark.parametrize("service", ACTS)
def test_every_message_that_a_service_reads_is_meant_for_it_or_not(service: str) -> None:
    read = {kind for topic in consumed_by(service) for kind in topic.messages}
    assert ACTS[service] | IGNORES[service] == read
    assert not ACTS[service] & IGNORES[service]


@pytest.mark.parametrize(("service", "kind"), [(service, kind) for service in ACTS for kind in ordered(ACTS[service])])
async def test_a_service_acts_on_what_is_meant_for_it(service: str, kind: type[Message]) -> None:
    message = golden(kind)
    if service == "availability" and kind is CommandRepeated:  # the golden one is a check-in's
        message = golden(kind, appointment_id=None)
    assert await acts(service, Admitted(fresh=[message]))


@pytest.mark.parametrize(("service", "kind"), [(service, kind) for service in IGNORES for kind in ordered(IGNORES[service])])
async def test_a_service_leaves_alone_what_is_not(service: str, kind: type[Message]) -> None:
    assert not await acts(service, Admitted(fresh=[golden(kind)]))


async def test_a_passed_on_repeat_is_answered_by_one_service_only() -> None:
    assert not await acts("availability", Admitted(fresh=[golden(CommandRepeated)])), "a check-in's is the queue's"
    assert not await acts("queue", Admitted(fresh=[golden(CommandRepeated, appointment_id=None)])), "any other is availability's"


@pytest.mark.parametrize("kind", [BookAppointment, RescheduleAppointment, CancelAppointment, CheckInPatient])
async def test_the_repeat_of_a_command_is_never_just_dropped(kind: type[Message]) -> None:
    service = "availability" if kind in (BookAppointment, RescheduleAppointment) else "booking"
    assert await acts(service, Admitted(repeats=[golden(kind)]))


@pytest.mark.parametrize("service", ACTS)
async def test_an_empty_batch_does_nothing(service: str) -> None:
    assert not await acts(service, Admitted())
