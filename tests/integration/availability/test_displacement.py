"""Displacing on a real Postgres: which appointments, which places, all at once, once a key, and beside bookings."""

import asyncio
import datetime as dt
from collections import Counter
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx2
import pytest

from shared.contracts import internal
from shared.contracts.appointments import Status
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentMoved, AppointmentRefused, Purpose
from shared.contracts.displacement import MAX_DISPLACED
from tests.integration.availability.availability import ANSWER, Availability, book, envelope, every_day, releases
from tests.integration.availability.test_directory import code
from tests.integration.availability.test_exceptions import closed, post, schedule
from tests.integration.availability.test_removals import bodies, published
from tests.support.dates import in_days

TIMERS = "SELECT reservation_id FROM unacknowledged WHERE clinic_id = $1"


def call(first: dt.date | None = None, last: dt.date | None = None, policy: str = "same_doctor", **fields: Any) -> dict[str, Any]:
    return {"from": str(first or in_days(1)), "to": str(last or in_days(31)), "policy": policy, **fields}


async def ask(http: httpx2.AsyncClient, doctor: UUID, verb: str, body: Any, key: object = None) -> httpx2.Response:
    headers = {internal.COMMAND_ID: str(key)} if key else {}
    return await http.post(f"/internal/doctors/{doctor}/{verb}", json=body, headers=headers)


def order(asked: dict[str, Any], held: list[SlotReserved], left: int = 0) -> dict[str, Any]:
    owners = [{"appointment_id": str(one.appointment_id), "patient_id": str(one.patient_id)} for one in held]
    return {"asked": asked, "appointments": owners, "left": left}


async def found(http: httpx2.AsyncClient, doctor: UUID, asked: dict[str, Any]) -> tuple[list[UUID], int]:
    answer = await ask(http, doctor, "displaced", asked)
    assert answer.status_code == 200, answer.text
    return [UUID(one) for one in answer.json()["appointment_ids"]], answer.json()["left"]


async def displaced(
    http: httpx2.AsyncClient, doctor: UUID, asked: dict[str, Any], held: list[SlotReserved], key: object = None
) -> list[dict[str, Any]]:
    """The steps of a displacement."""
    answer = await ask(http, doctor, "displace", order(asked, held), key or uuid4())
    assert answer.status_code == 200, answer.text
    return list(answer.json()["steps"])


async def booked(service: Availability, doctor: UUID, *dates: dt.date) -> list[SlotReserved]:
    return (await service.deliver(*(book(service.clinic, doctor, date) for date in dates))).of(SlotReserved)


def starts(steps: list[dict[str, Any]]) -> list[str | None]:
    """The new places, by day from tomorrow and start or number."""
    return [place and _short(place) for place in (step["to"] for step in steps)]


def _short(place: dict[str, Any]) -> str:
    days = (dt.date.fromisoformat(place["date"]) - in_days(1)).days
    return f"{days} {place['starts_at'][11:16] if place['starts_at'] else place['slot']}"


def said(service: Availability) -> list[SlotReserved]:
    """The displacements that readers were told of."""
    told = [SlotReserved.model_validate_json(body) for body in bodies(service) if b'"SlotReserved"' in body]
    return [one for one in told if one.purpose is Purpose.DISPLACE]


async def category(service: Availability, *doctors: UUID) -> None:
    """Gives these doctors one category."""
    id_ = uuid4()
    await service.execute(
        "INSERT INTO categories (clinic_id, id, name, name_key, version, created_at, updated_at)"
        " VALUES ($1, $2, $3, $3, 1, now(), now())",
        *(service.clinic, id_, str(id_)),
    )
    await service.execute("UPDATE doctors SET category_id = $1 WHERE id = ANY($2)", id_, list(doctors))


async def test_what_has_lost_its_rule_is_found(service: Availability, http: httpx2.AsyncClient) -> None:
    """An hour that the schedule has no more, a closed date, and a closed day; nothing of what still has its place."""
    doctor = await service.doctor()
    await schedule(http, doctor, "09:00", "10:00")
    days = [in_days(number) for number in range(1, 5)]
    held = await booked(service, doctor, *days, days[0])
    await schedule(http, doctor, "09:15", "10:00")
    assert await found(http, doctor, call()) == ([one.appointment_id for one in held[:4]], 0)
    await schedule(http, doctor, "09:00", "10:00")
    assert await found(http, doctor, call()) == ([], 0)
    await post(http, doctor, closed(days[1], days[1]))
    await http.post(f"/internal/doctors/{doctor}/availability", json={"date": days[3].isoformat(), "available": False})
    assert await found(http, doctor, call()) == ([held[1].appointment_id, held[3].appointment_id], 0)
    assert await found(http, doctor, call(days[2], days[3])) == ([held[3].appointment_id], 0)


async def test_what_has_begun_stays(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await schedule(http, doctor)
    held = await booked(service, doctor, in_days(1), in_days(1))
    await post(http, doctor, closed())
    begun = "UPDATE slots SET starts_at = now() - interval '1 minute', ends_at = now() + interval '1 minute' WHERE id = $1"
    await service.execute(begun, held[0].slot_id)
    assert await found(http, doctor, call()) == ([held[1].appointment_id], 0)


async def test_a_timed_day_moves_to_the_next_times(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await schedule(http, doctor, "09:00", "09:45")
    held = await booked(service, doctor, in_days(1), in_days(1), in_days(2), in_days(2))
    await post(http, doctor, closed())
    key = uuid4()
    steps = await displaced(http, doctor, call(), held, key)
    assert starts(steps) == ["1 09:30", "2 09:00"]
    assert [step["appointment_id"] for step in steps] == [str(one.appointment_id) for one in held[:2]]
    assert [step["from"]["slot_id"] for step in steps] == [str(one.slot_id) for one in held[:2]]
    await published(service)
    told = said(service)
    assert [one.command_id for one in told] == [uuid5(key, str(one.appointment_id)) for one in held[:2]]
    for one, step, old in zip(told, steps, held, strict=False):
        assert (str(one.slot_id), one.appointment_id, one.patient_id) == (
            step["to"]["slot_id"],
            old.appointment_id,
            old.patient_id,
        )
        assert one.reservation_id != old.reservation_id == one.instead_of and str(one.command_id) == step["command_id"]
        assert one.decide_by and one.accepted_at and (one.decide_by - one.accepted_at) == dt.timedelta(minutes=10)
        assert (one.principal, one.reply_partition, len(one.body_hash or "")) == ("open", None, 64)
        assert f"{one.starts_at:%H:%M}" == step["to"]["starts_at"][11:16] and one.time_zone == "UTC"
    taken = await service.rows("SELECT id FROM slots WHERE state = 'taken'")
    assert {row[0] for row in taken} == {one.slot_id for one in (*held, *told)}, "the old ones are held until booking has moved"
    timers = await service.rows(TIMERS, service.clinic)
    assert {row[0] for row in timers} == {one.reservation_id for one in (*held, *told)}
    noted = await service.rows(
        "SELECT subject_id FROM audit WHERE action = 'slot_taken' AND command_id = ANY($1)", [one.command_id for one in told]
    )
    assert {row[0] for row in noted} == {one.slot_id for one in told}


async def test_numbers_move_to_the_next_days_which_are_made(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(default_daily_capacity=2)
    doctor = await service.doctor()
    held = await booked(service, doctor, in_days(1), in_days(1), in_days(2))
    await post(http, doctor, closed())
    dry = await displaced(http, doctor, call(dry_run=True), held)
    assert starts(dry) == ["1 2", "2 1"] and dry[1]["to"]["slot_id"] is None
    assert len(await service.rows("SELECT FROM days")) == 2
    steps = await displaced(http, doctor, call(), held)
    assert starts(steps) == ["1 2", "2 1"]
    assert len(await service.rows("SELECT FROM days")) == 3
    made = "SELECT detail->>'date' FROM audit WHERE action = 'day_set' ORDER BY id DESC LIMIT 1"
    assert await service.rows(made) == [(in_days(3).isoformat(),)]
    assert await found(http, doctor, call()) == ([], 2), "they are on their way"


async def test_a_dry_run_takes_nothing_and_tells_the_same(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await schedule(http, doctor)
    held = await booked(service, doctor, in_days(1), in_days(1))
    await post(http, doctor, closed())
    before = await service.rows("SELECT id, state, number FROM slots ORDER BY id")
    dry = await ask(http, doctor, "displace", order(call(dry_run=True), held, left=3))
    assert await service.rows("SELECT id, state, number FROM slots ORDER BY id") == before
    assert await service.rows("SELECT FROM outcomes") == []
    wet = await displaced(http, doctor, call(), held)
    assert [{**step, "command_id": None} for step in wet] == dry.json()["steps"] and dry.json()["left"] == 3
    assert {step["command_id"] for step in dry.json()["steps"]} == {None}


async def test_a_key_is_answered_with_what_was_done(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, key = await service.doctor(), uuid4()
    held = await booked(service, doctor, in_days(1))
    await post(http, doctor, closed())
    answers = await asyncio.gather(*(ask(http, doctor, "displace", order(call(), held), key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200} and len({answer.content for answer in answers}) == 1
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {None: 1, "true": 9}
    repeat = await ask(http, doctor, "displaced", call(), key)
    assert repeat.json()["plan"] == answers[0].json() and repeat.headers["Idempotent-Replayed"] == "true"
    for verb, body in (("displaced", call(last=in_days(2))), ("displace", order(call(last=in_days(2)), held))):
        assert code(await ask(http, doctor, verb, body, key)) == (422, "key_reused")
    for verb, body in (("displaced", call()), ("displace", order(call(), held))):
        assert code(await ask(http, await service.doctor(), verb, body, key)) == (422, "key_reused"), "another doctor"
    await published(service)
    assert len(said(service)) == 1


async def test_only_the_named_are_moved_and_only_what_is_displaced_still(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    held = await booked(service, doctor, in_days(1), in_days(1), in_days(1), in_days(2))
    await post(http, doctor, closed())
    await service.deliver(releases(held[0]))
    steps = await displaced(http, doctor, call(), [held[0], held[1], held[3]])
    assert [step["appointment_id"] for step in steps] == [str(held[1].appointment_id)]


async def test_nothing_later_is_told_of(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(default_daily_capacity=2, booking_horizon_days=2)
    doctor = await service.doctor()
    held = await booked(service, doctor, in_days(1), in_days(1), in_days(2))
    await post(http, doctor, closed())
    steps = await displaced(http, doctor, call(), held)
    assert starts(steps) == ["1 2", None] and steps[1]["command_id"] is None
    assert await found(http, doctor, call()) == ([held[1].appointment_id], 1)


async def test_closed_days_and_the_lead_time_are_no_places(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(lead_time_minutes=4 * 24 * 60)
    doctor = await service.doctor()
    await schedule(http, doctor, "00:00", "24:00")
    await service.settings(version=2, lead_time_minutes=0)
    (held,) = await booked(service, doctor, in_days(1))
    await service.settings(version=3, lead_time_minutes=4 * 24 * 60)
    await post(http, doctor, closed())
    (step,) = await displaced(http, doctor, call(dry_run=True), [held])
    begin = dt.datetime.fromisoformat(step["to"]["starts_at"])
    assert dt.timedelta(0) <= begin - (dt.datetime.now(dt.UTC) + dt.timedelta(days=4)) <= dt.timedelta(minutes=15)
    await http.post(f"/internal/doctors/{doctor}/availability", json={"date": begin.date().isoformat(), "available": False})
    (step,) = await displaced(http, doctor, call(dry_run=True), [held])
    assert step["to"]["starts_at"] == f"{begin.date() + dt.timedelta(days=1)}T00:00:00Z"


async def test_days_of_numbers_that_are_closed_or_too_far_are_no_places(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(default_daily_capacity=1)
    doctor, days = await service.doctor(), [in_days(number) for number in range(1, 5)]
    held, *others = await booked(service, doctor, *days)
    await service.deliver(*(releases(one) for one in others))
    await post(http, doctor, closed(days[0], days[1]))
    await http.post(f"/internal/doctors/{doctor}/availability", json={"date": days[2].isoformat(), "available": False})
    assert starts(await displaced(http, doctor, call(dry_run=True), [held])) == ["3 1"]
    await service.settings(version=2, default_daily_capacity=1, booking_horizon_days=3)
    assert starts(await displaced(http, doctor, call(), [held])) == [None]


async def test_who_has_a_schedule_gets_no_days_of_numbers(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, hours = await service.doctor(), every_day("09:00", "10:00", valid_to=in_days(2).isoformat())
    assert (await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": hours})).status_code == 200
    held = await booked(service, doctor, in_days(1))
    await post(http, doctor, closed(in_days(1), in_days(2)))
    assert starts(await displaced(http, doctor, call(), held)) == [None]


async def test_who_was_to_come_much_later_gets_a_place_behind_all_that_are_too_early(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor, far = await service.doctor(), in_days(21)
    await schedule(http, doctor)
    held = await booked(service, doctor, in_days(1), far)
    await post(http, doctor, closed())
    await post(http, doctor, closed(far, far))
    assert starts(await displaced(http, doctor, call(), held)) == ["1 09:00", "21 09:00"]


@pytest.mark.parametrize("sooner", [False, True])
async def test_the_same_category_takes_the_first_place_of_any_colleague(
    service: Availability, http: httpx2.AsyncClient, sooner: bool
) -> None:
    """The first of their times and numbers on the own date or later, sooner if that is asked for: no stranger's, nobody's who is
    deleted, and not the doctor's own."""
    doctor, timed, daily, stranger = [await service.doctor() for _ in range(4)]
    gone = await service.doctor("deleted")
    await category(service, doctor, timed, daily, gone)
    await service.settings(default_daily_capacity=1, booking_horizon_days=3)
    await schedule(http, timed, "09:00", "09:30")
    held = await booked(service, doctor, in_days(2), in_days(3))
    await post(http, doctor, closed(in_days(2), in_days(3)))
    asked = call(policy="same_category") | ({"not_before": str(in_days())} if sooner else {})
    steps = await displaced(http, doctor, asked, held)
    now = dt.datetime.now(dt.UTC)
    todays = [f"-1 09:{minute:02}" for minute in (0, 15) if now.time() < dt.time(9, minute)]
    assert starts(steps) == ([*todays, "-1 1", "0 09:00"][:2] if sooner else ["1 09:00", "2 09:00"])
    assert {step["to"]["doctor_id"] for step in steps} <= {str(timed), str(daily)}
    assert str(stranger) not in str(steps)


async def test_a_policy_without_a_category_is_named(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    asked = call(policy="same_category")
    for verb, body in (("displaced", asked), ("displace", order(asked, []))):
        refused = await ask(http, doctor, verb, body, uuid4())
        assert refused.status_code == 422 and [error["field"] for error in refused.json()["errors"]] == ["policy"]


async def test_a_far_date_is_reached_though_near_places_abound(service: Availability, http: httpx2.AsyncClient) -> None:
    """The nearest place on the own date or later, also behind more places than there are appointments to move."""
    doctor, colleague = await service.doctor(), await service.doctor()
    await category(service, doctor, colleague)
    held = await booked(service, doctor, in_days(1), in_days(12))
    await post(http, doctor, closed(in_days(1), in_days(12)))
    asked, later = call(policy="same_category"), call(not_before=str(in_days(20)))
    tried = [await displaced(http, doctor, {**body, "dry_run": True}, held) for body in (asked, later)]
    assert [starts(steps) for steps in tried] == [["0 1", "11 1"], ["19 1", "19 2"]], (
        "of the same doctor, too, if it is asked for"
    )
    assert starts(await displaced(http, doctor, asked, held)) == ["0 1", "11 1"]


async def test_without_colleagues_there_is_no_place(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await category(service, doctor)
    held = await booked(service, doctor, in_days(1))
    await post(http, doctor, closed())
    assert starts(await displaced(http, doctor, call(policy="same_category"), held)) == [None]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (call(in_days(2), in_days(1)), "to"),
        (call(in_days(1), in_days(63)), "to"),
        (call(policy="any"), "policy"),
        (call(dry_run="yes"), "dry_run"),
        (call(note="x"), "note"),
        ({**call(), "from": "today"}, "from"),
    ],
)
async def test_what_is_wrong_is_named(service: Availability, http: httpx2.AsyncClient, body: Any, field: str) -> None:
    refused = await ask(http, await service.doctor(), "displaced", body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field], refused.text


async def test_strangers_are_unknown(service: Availability, http: httpx2.AsyncClient) -> None:
    assert await found(http, await service.doctor(), call(in_days(1), in_days(62))) == ([], 0)
    for doctor in (uuid4(), await service.doctor("deleted"), await service.doctor(clinic=uuid4())):
        assert code(await ask(http, doctor, "displaced", call())) == (404, "unknown_doctor")
        assert code(await ask(http, doctor, "displace", order(call(), []), uuid4())) == (404, "unknown_doctor")


async def test_the_rest_of_very_many_is_left(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(default_daily_capacity=MAX_DISPLACED + 5, max_daily_capacity=1000)
    doctor = await service.doctor()
    held = await booked(service, doctor, *(in_days(1) for _ in range(MAX_DISPLACED + 5)))
    await post(http, doctor, closed())
    first, left = await found(http, doctor, call())
    assert (first, left) == ([one.appointment_id for one in held[:MAX_DISPLACED]], 5)
    assert starts(await displaced(http, doctor, call(), held[:MAX_DISPLACED])) == [f"1 {n + 1}" for n in range(MAX_DISPLACED)]
    assert await found(http, doctor, call()) == ([one.appointment_id for one in held[MAX_DISPLACED:]], MAX_DISPLACED)
    assert code(await ask(http, doctor, "displace", order(call(), held), uuid4())) == (422, "validation_failed")


async def test_booking_ends_each_move(service: Availability, http: httpx2.AsyncClient) -> None:
    """One is moved, its old place is given back; one is refused, and its new place is: then it is displaced as before."""
    doctor = await service.doctor()
    await schedule(http, doctor)
    held = await booked(service, doctor, in_days(1), in_days(1))
    await post(http, doctor, closed())
    await displaced(http, doctor, call(), held)
    await published(service)
    moved, refused = said(service)
    names: dict[str, Any] = {
        "appointment_id": moved.appointment_id, "slot_id": moved.slot_id, "reservation_id": moved.reservation_id,
    }  # fmt: skip
    acknowledged = AppointmentMoved(
        **envelope(service.clinic), version=2, doctor_id=doctor, date=moved.date, patient_id=moved.patient_id,
        status=Status.BOOKED, slot_number=moved.slot_number, from_doctor_id=doctor, from_date=in_days(1), **names,
    )  # fmt: skip
    given_up = AppointmentRefused(
        **envelope(service.clinic), doctor_id=doctor, date=refused.date, appointment_id=refused.appointment_id,
        slot_id=refused.slot_id, reservation_id=refused.reservation_id, answer=ANSWER,
    )  # fmt: skip
    await service.deliver(acknowledged, releases(held[0]), given_up)
    assert await service.rows("SELECT FROM slots WHERE id = $1", held[0].slot_id) == [], "its rule is gone, so is the place"
    timers = await service.rows(TIMERS, service.clinic)
    assert moved.reservation_id not in {row[0] for row in timers}
    assert await found(http, doctor, call()) == ([held[1].appointment_id], 0)
