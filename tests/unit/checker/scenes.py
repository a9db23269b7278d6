"""A small system as the checker sees it, made by hand: four booked appointments, one cancelled, two checked in, two refusals.

One was held and confirmed before it was moved (`held_and_moved`), one has stayed where it was, one hold expired (`held_in_vain`).
Beside them a date by the clock (`timed`), a doctor who was deleted (`doctor_gone`), and two patients who were, one of them by a
merge (`patient_gone`, `patient_merged`). Everything in it is as it must be; tests break one thing of it and see what the checker
says.
"""

import datetime as dt

from tests.unit.checker.world import (
    ACCEPTED,
    CLINIC,
    DAY,
    DOCTOR,
    FREE,
    GONE,
    HOUR,
    OTHER,
    THIRD,
    World,
    book,
    cancel,
    cancel_by_the_clinic,
    changed,
    check_in,
    confirm,
    daily,
    delete,
    expire,
    move,
    of_day,
    refuse_full,
    refuse_unknown,
    register,
    registry,
    say,
    stay,
)  # fmt: skip

CLOSED = DAY + dt.timedelta(days=1)


def clean() -> World:
    """Everything as it must be."""
    world = World()
    registry(world)
    for number in range(1, 5):
        book(world, number)
    cancel(world, 2)
    check_in(world, 3, position=1)
    check_in(world, 4, position=2)
    refuse_full(world, 5)
    refuse_unknown(world, 6)
    timed(world)
    doctor_gone(world)
    patient_gone(world)
    patient_merged(world)
    held_and_moved(world)
    held_in_vain(world)
    return world


def held_and_moved(world: World) -> None:
    """A hold that was confirmed, then moved to another doctor's day; beside it one that was asked to stay where it is."""
    for doctor, number in ((OTHER, 51), (THIRD, 61)):
        register(world, "doctors", doctor)
        daily(world, DAY, range(number, number + 2), doctor)
    book(world, 51, held=True)
    confirm(world, 51)
    move(world, 51, to=61)
    book(world, 62)
    stay(world, 62)


def held_in_vain(world: World) -> None:
    """A hold that nobody confirmed."""
    book(world, 52, held=True)
    expire(world, 52)


def timed(world: World) -> None:
    """A date by the clock that was closed when two slots were booked, one right behind the other: all others are gone."""
    world.rows("days").append({**of_day(CLOSED), "mode": "timed", "available": True, "time_zone": "UTC"})
    for number in (21, 22):
        starts = ACCEPTED + dt.timedelta(days=1, hours=number)
        place = {"time_zone": "UTC", "location_id": "location", "starts_at": starts, "ends_at": starts + HOUR}
        world.rows("slots").append({"id": f"slot-{number}", "number": number, **of_day(CLOSED), **FREE, **place})
        book(world, number)
        world.row("slots", f"slot-{number}")["published"] = False
    closed = {"id": "closed", "kind": "closed", "clinic_id": CLINIC, "doctor_id": DOCTOR, "created_at": ACCEPTED}
    world.rows("exceptions").append({**closed, "from_date": CLOSED, "to_date": CLOSED})


def doctor_gone(world: World) -> None:
    """A doctor who was deleted with two appointments: one is cancelled by its revoked slot, the other patient has checked in."""
    register(world, "doctors", GONE)
    daily(world, DAY, range(31, 33), GONE)
    for number in (31, 32):
        book(world, number)
    check_in(world, 32, position=1)
    delete(world, "doctors", GONE)
    for number in (31, 32):
        slot = world.row("slots", f"slot-{number}")
        slot["published"] = False
        held = {"slot_id": slot["id"], "reservation_id": slot["reservation_id"], "appointment_id": slot["appointment_id"]}
        say(world, "availability.events", "SlotRevoked", f"revoked-{number}", doctor_id=GONE, **held)
    cancel_by_the_clinic(world, 31, "revoked-31")


def patient_gone(world: World) -> None:
    """A patient who was deleted with an appointment, which was cancelled in the same transaction."""
    register(world, "patients", "leaver")
    book(world, 7, "leaver")
    delete(world, "patients", "leaver")
    cancel_by_the_clinic(world, 7, None)


def patient_merged(world: World) -> None:
    """A patient who was found to be another one, with an appointment and a place in the queue."""
    register(world, "patients", "double")
    book(world, 8, "double")
    check_in(world, 8, position=3)
    delete(world, "patients", "double", merged_into="patient")
    moved = {"appointment_id": "appointment-8", "patient_id": "patient"}
    say(world, "appointment.events", "AppointmentReassigned", "reassigned-8", version=3, **moved)
    changed(world, 8, "reassigned", patient_id="patient")
    world.row("entries", "entry-8").update(patient_id="patient", version=2)
    next(one for one in world.rows("queue_days") if one["doctor_id"] == DOCTOR)["version"] += 1
