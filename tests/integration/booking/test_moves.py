"""Moves on a real Postgres: the place swapped in one update, what refuses it, and what each step says to whom."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.booking import AppointmentMoved, AppointmentRefused, SlotReleased
from shared.contracts.problems import Code
from tests.integration.booking.desk import Desk
from tests.unit.booking.messages import (
    TODAY,
    TOMORROW,
    move_of,
)

pytestmark = pytest.mark.integration

LATE = {"decide_by": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)}
YESTERDAY = TODAY - dt.timedelta(days=1)
AN_HOUR_ON = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def at(hour: float, day: dt.date = TOMORROW) -> dict[str, Any]:
    """An hour of a day, from then on."""
    start = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hour)
    return {"date": day, "starts_at": start, "ends_at": start + dt.timedelta(hours=1)}


def codes(said: Any) -> list[Code | None]:
    """Why places are given back."""
    return [one.answer.code for one in said.of(AppointmentRefused)]


# A move


async def test_a_moved_appointment_has_the_new_place_and_gives_the_old_one_back_with_the_answer(desk: Desk) -> None:
    old = await desk.booked(**at(9))
    new = move_of(old, doctor_id=uuid4(), slot_number=4, location_id=uuid4(), time_zone="Asia/Tokyo", **at(11))
    said = await desk.deliver(new)
    assert said.types == ["AppointmentMoved", "SlotReleased"] and said.answers == []
    (moved,), (release,) = said.of(AppointmentMoved), said.of(SlotReleased)
    assert (moved.key, moved.version, moved.reservation_id, moved.status) == (new.key, 2, new.reservation_id, "booked")
    assert (moved.from_doctor_id, moved.from_date) == (old.doctor_id, old.date)
    assert (release.key, release.slot_id, release.reservation_id) == (old.key, old.slot_id, old.reservation_id)
    assert release.reply_partition == new.reply_partition and release.command_id == new.command_id
    row = await desk.row(old)
    place = ("doctor_id", "date", "time_zone", "slot_id", "slot_number", "reservation_id", "location_id", "starts_at", "ends_at")
    assert {name: row[name] for name in place} == {name: getattr(new, name) for name in place}
    assert (row["id"], row["status"], row["version"], row["command_id"]) == (old.appointment_id, "booked", 2, old.command_id)
    outcome = await desk.outcome(new)
    assert outcome and outcome.settled_at is None and outcome.type == "RescheduleAppointment" and outcome.answer == release.answer
    assert outcome.answer.status_code == 200 and outcome.answer.result and outcome.answer.result["slot_id"] == str(new.slot_id)
    assert await desk.effects(old.appointment_id) == ["appointment_booked", "appointment_moved"]
