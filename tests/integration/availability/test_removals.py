"""Deleting doctors on a real Postgres, also while bookings run: what was taken is revoked once, nothing is taken afterwards."""

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.availability.domain.days import DayKey
from services.availability.domain.slots import Reservation
from services.availability.service.doctors import revoke
from services.availability.service.doctors.remove import delete_doctor
from services.availability.service.doctors.revoke import revocation_job
from services.availability.service.slots.events import emit_revoked
from shared.contracts.availability import SlotReserved, SlotRevoked
from shared.contracts.booking import BookAppointment
from shared.contracts.problems import Code
from shared.contracts.registry import DoctorChanged
from shared.contracts.shapes import MAX_NAMED
from shared.contracts.topics import AVAILABILITY_EVENTS, REGISTRY_EVENTS, Topic
from shared.infra.caller import Caller
from shared.infra.outbox import Outbox
from shared.infra.unit import Unit, Units
from tests.integration.availability.availability import Availability, book, move, releases
from tests.integration.availability.test_directory import DOCTORS, code
from tests.integration.availability.test_races import blocked
from tests.support import rows
from tests.support.batches import BatchResult
from tests.support.dates import in_days
from tests.support.rounds import rounds
from tests.support.statements import rows_during
from tests.support.waiting import eventually

DAYS_AHEAD = (0, 1, 31)
ROUNDS = rounds(50)
CANCEL = {"cancel_appointments": True}


@pytest.fixture
def consumer(service: Availability) -> Availability:
    """Another process at the same database and the same broker."""
    other = Availability(service.database, service.clinic)
    other.units, other.publisher = Units(service.database, Outbox(service.publisher), service.publisher), service.publisher
    return other


def bodies(service: Availability, topic: Topic = AVAILABILITY_EVENTS) -> list[bytes]:
    """What readers of a topic have read of the clinic; the relay also sends again, and what other tests have left."""
    ours = str(service.clinic).encode()
    read = (record.body for record in service.publisher.records if record.topic == topic.name and ours in record.body)
    return list(dict.fromkeys(read))


def revoked(service: Availability) -> list[SlotRevoked]:
    """The revocations that they have read."""
    return [SlotRevoked.model_validate_json(body) for body in bodies(service) if b'"SlotRevoked"' in body]


async def published(service: Availability) -> None:
    """Everything that was said has reached the broker, as the relay sees to it."""

    async def sent() -> bool:
        await service.units._outbox.relay_once(service.database.hot)
        return not await service.rows("SELECT FROM outbox WHERE clinic_id = $1", service.clinic)

    await eventually(sent)


def names(message: SlotReserved | SlotRevoked) -> tuple[UUID, dt.date, UUID, UUID, UUID]:
    return message.doctor_id, message.date, message.slot_id, message.reservation_id, message.appointment_id


async def left(http: httpx2.AsyncClient, doctor: UUID) -> int:
    """What is left, as both calls tell it."""
    looked, repeated = await http.get(f"{DOCTORS}/{doctor}/left"), await http.delete(f"{DOCTORS}/{doctor}")
    assert looked.json() == repeated.json() and looked.json()["id"] == str(doctor)
    return int(looked.json()["appointments_left"])


async def test_without_the_flag_appointments_are_named_and_nothing_changes(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor, in_days(days)) for days in reversed(DAYS_AHEAD)))).of(
        SlotReserved
    )
    refused = await http.delete(f"{DOCTORS}/{doctor}")
    assert code(refused) == (409, "has_appointments")
    assert refused.json()["appointments"] == [str(one.appointment_id) for one in reversed(held)]
    assert (await http.get(f"{DOCTORS}/{doctor}")).json()["status"] == "active"
    assert code(await http.get(f"{DOCTORS}/{doctor}/left")) == (404, "unknown_doctor")
    assert (await service.deliver(book(service.clinic, doctor))).numbers == [2]


async def test_of_many_appointments_the_first_are_named_and_all_are_counted(
    service: Availability, http: httpx2.AsyncClient, superuser: Callable[..., Any]
) -> None:
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor, in_days(day)) for day in range(1, 121)))).of(SlotReserved)
    await service.deliver(move(held[0], doctor, in_days(130)))  # has two places for a moment
    server = await superuser("availability")
    assert await rows_during(server, "availability_app", http.delete(f"{DOCTORS}/{doctor}")) < MAX_NAMED + 20
    refused = (await http.delete(f"{DOCTORS}/{doctor}")).json()
    assert refused["appointments"] == [str(one.appointment_id) for one in held[:MAX_NAMED]]
    assert refused["count"] == 120


async def test_what_is_left_is_counted_while_days_are_locked(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient, superuser: Callable[..., Any]
) -> None:
    """The releases that it waits for lock them, and the gateway asks again and again."""
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor, in_days(day)) for day in range(1, 61)))).of(SlotReserved)
    await http.delete(f"{DOCTORS}/{doctor}", params=CANCEL)
    async with consumer.batch(releases(held[0])):
        assert await asyncio.wait_for(left(http, doctor), 3) == 60
    assert await left(http, doctor) == 59
    server = await superuser("availability")
    assert await rows_during(server, "availability_app", http.get(f"{DOCTORS}/{doctor}/left")) < 10


async def many_held(service: Availability, doctor: UUID) -> list[SlotReserved]:
    """More than two pages of three, on days of two places."""
    await service.settings(default_daily_capacity=2)
    return (await service.deliver(*(book(service.clinic, doctor, in_days(1 + day // 2)) for day in range(8)))).of(SlotReserved)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(revoke, "PAGE", 3)
    monkeypatch.setattr(revoke, "REMOVED", 5)
    return 3


async def test_many_places_are_revoked_page_by_page(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient, small_pages: int
) -> None:
    """One that is freed before its page is not revoked; two processes revoke nothing twice, and a failure loses nothing."""
    doctor = await service.doctor()
    held = await many_held(service, doctor)
    assert (await http.delete(f"{DOCTORS}/{doctor}", params=CANCEL)).json()["appointments_left"] == len(held)
    await published(service)
    assert len(revoked(service)) == small_pages
    await service.deliver(releases(held[-1]))
    assert await left(http, doctor) == len(held) - 1
    await asyncio.gather(revocation_job(service.units).work(), revocation_job(consumer.units).work())
    await published(service)
    assert [names(one) for one in revoked(service)] == [names(one) for one in held[:-1]]
    assert {one.actor for one in revoked(service)} == {"open"} and len({one.correlation_id for one in revoked(service)}) == 1
    noted = await service.rows("SELECT count(*), count(DISTINCT subject_id) FROM audit WHERE action = 'slot_revoked'")
    assert noted == [(7, 7)]
    assert await service.rows("SELECT FROM revocations WHERE doctor_id = $1", doctor) == []


async def test_a_deletion_says_a_page_in_its_transaction_however_much_is_taken(
    service: Availability, http: httpx2.AsyncClient, small_pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, pages, emitted = await service.doctor(), list[int](), emit_revoked
    held = await many_held(service, doctor)

    def counting(unit: Unit, caller: Caller, day: DayKey, reservation: Reservation) -> None:
        emitted(unit, caller, day, reservation)
        pages.append(id(unit))

    monkeypatch.setattr(revoke, "emit_revoked", counting)
    await http.delete(f"{DOCTORS}/{doctor}", params=CANCEL)
    assert len(pages) == small_pages < len(held)
    with monkeypatch.context() as failing:
        failing.setattr(revoke, "emit_revoked", lambda *_: 1 / 0)
        await revocation_job(service.units).work()
    await revocation_job(service.units).work()
    assert len(pages) == len(held) and max(Counter(pages[small_pages:]).values()) <= small_pages


async def test_places_are_removed_some_at_a_time(
    service: Availability, http: httpx2.AsyncClient, small_pages: int, superuser: Callable[..., Any]
) -> None:
    """However many there are, and also what is freed meanwhile."""
    await service.settings(default_daily_capacity=9)
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor, in_days(day)) for day in (1, 1, 2, 2, 3, 3, 3)))).of(
        SlotReserved
    )
    free = "SELECT count(*) FILTER (WHERE state = 'free'), count(*) FILTER (WHERE published) FROM slots WHERE doctor_id = $1"
    assert (await http.delete(f"{DOCTORS}/{doctor}", params=CANCEL)).is_success
    assert await service.rows(free, doctor) == [(20, 22)], "five of seven have lost their publication, and no more was done"
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.UNKNOWN_DOCTOR]
    await service.deliver(*(releases(one) for one in held[-2:]))
    await revocation_job(service.units).work()
    assert await service.rows(free, doctor) == [(0, 0)]
    assert await left(http, doctor) == 5 == len(await service.rows("SELECT FROM slots WHERE doctor_id = $1", doctor))


async def test_a_deleted_doctor_leaves_no_slot_and_revokes_what_is_taken(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor, in_days(days)) for days in DAYS_AHEAD))).of(SlotReserved)
    await service.execute("INSERT INTO publications VALUES ($1, $2, now())", service.clinic, doctor)
    answer = await http.delete(f"{DOCTORS}/{doctor}", params=CANCEL, headers={"If-Match": '"v1"'})
    assert (answer.status_code, answer.json()) == (200, {"id": str(doctor), "appointments_left": 3})
    slots = await service.rows("SELECT state, published, date FROM slots WHERE doctor_id = $1 ORDER BY date", doctor)
    assert slots == [("taken", False, in_days(days)) for days in DAYS_AHEAD]
    assert await service.rows("SELECT FROM publications WHERE doctor_id = $1", doctor) == []
    await published(service)
    assert sorted(names(one) for one in revoked(service)) == sorted(names(one) for one in held)
    (change,) = [DoctorChanged.model_validate_json(body) for body in bodies(service, REGISTRY_EVENTS)]
    assert (change.doctor_id, change.status, change.version) == (doctor, "deleted", 2)
    noted = await service.rows("SELECT action, count(*) FROM audit WHERE actor = 'open' GROUP BY action")
    assert Counter(dict(noted)) >= Counter({"slot_revoked": 3, "doctor_deleted": 1})
    assert await left(http, doctor) == 3
    await service.deliver(releases(held[0]), releases(held[2]))
    assert await left(http, doctor) == 1
    await service.deliver(releases(held[1]))
    assert await left(http, doctor) == 0
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.UNKNOWN_DOCTOR]
    assert len(revoked(service)) == 3


async def test_what_is_over_stays_as_it_was(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    before = "SELECT id, state, published FROM slots WHERE doctor_id = $1 ORDER BY number"
    slots = await service.rows(before, doctor)
    await make_past(service, doctor)
    answer = await http.delete(f"{DOCTORS}/{doctor}")
    assert answer.json()["appointments_left"] == 0
    assert await service.rows(before, doctor) == slots


async def make_past(service: Availability, doctor: UUID) -> None:
    """Everything of the doctor was three days ago."""
    past = in_days(-3)
    async with service.database.batch({service.clinic}) as (connection, _):
        await rows.add_days(connection, service.clinic, [(doctor, past)], "daily")
        await connection.execute("UPDATE slots SET date = $2 WHERE doctor_id = $1", doctor, past)


async def test_strangers_cannot_be_deleted(service: Availability, http: httpx2.AsyncClient) -> None:
    for doctor in (uuid4(), await service.doctor(clinic=uuid4())):
        assert code(await http.delete(f"{DOCTORS}/{doctor}", params=CANCEL)) == (404, "unknown_doctor")


async def test_a_deletion_waits_for_the_bookings_before_it(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    async with consumer.batch(book(service.clinic, doctor), book(service.clinic, doctor, in_days(31))) as said:
        waiting = asyncio.create_task(http.delete(f"{DOCTORS}/{doctor}", params=CANCEL))
        assert await blocked(waiting)
    assert (await waiting).json()["appointments_left"] == 2
    await published(service)
    assert sorted(names(one) for one in revoked(service)) == sorted(names(one) for one in said.of(SlotReserved))


async def test_a_booking_waits_for_the_deletion_before_it(service: Availability, consumer: Availability) -> None:
    doctor = await service.doctor()
    caller = Caller(service.clinic, "open", "open", None, "test-1")
    async with service.units.registry(service.clinic) as unit:
        done = await delete_doctor(unit, caller, doctor, cancel_appointments=True)
        waiting = asyncio.create_task(consumer.deliver(book(service.clinic, doctor)))
        assert await blocked(waiting)
    assert (done.appointments_left, (await waiting).refusals) == (0, [Code.UNKNOWN_DOCTOR])


async def test_bookings_beside_a_deletion_are_revoked_or_refused(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient
) -> None:
    """In each round ten batches of five: what was reserved is revoked once and behind it, the others find no doctor."""

    async def consume(batches: list[list[BookAppointment]]) -> list[BatchResult]:
        return [await consumer.deliver(*batch) for batch in batches]

    endings: Counter[str] = Counter()
    reserved: dict[UUID, list[SlotReserved]] = {}
    for number in range(ROUNDS):
        doctor = await service.doctor()
        batches = [[book(service.clinic, doctor, in_days(day)) for day in range(1, 6)] for _ in range(10)]
        before = await consume(batches[: number % 10])
        deleting = http.delete(f"{DOCTORS}/{doctor}", params=CANCEL)
        answer, said = await asyncio.gather(deleting, consume(batches[number % 10 :]))
        reserved[doctor] = held = [one for batch in (*before, *said) for one in batch.of(SlotReserved)]
        endings.update([*("reserved" for _ in held), *(code for batch in (*before, *said) for code in batch.refusals)])
        assert answer.json()["appointments_left"] == len(held)
        assert await service.rows("SELECT FROM slots WHERE doctor_id = $1 AND (state = 'free' OR published)", doctor) == []
        await consumer.deliver(*(releases(one) for one in held))
        assert await left(http, doctor) == 0
    assert endings.keys() == {"reserved", Code.UNKNOWN_DOCTOR} and endings.total() == 50 * ROUNDS
    await published(service)
    for doctor, held in reserved.items():
        judge(service, doctor, held)


def judge(service: Availability, doctor: UUID, held: list[SlotReserved]) -> None:
    """All that was reserved is revoked once, behind its reservation and before it is freed."""
    said = [json.loads(body) for body in bodies(service) if str(doctor).encode() in body]
    assert Counter(names(one) for one in revoked(service) if one.doctor_id == doctor) == Counter(names(one) for one in held)
    for one in held:
        types = [message["type"] for message in said if message.get("reservation_id") == str(one.reservation_id)]
        assert types == ["SlotReserved", "SlotRevoked", "SlotFreed"]
