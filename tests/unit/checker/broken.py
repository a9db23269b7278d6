"""Each way to break the world that an invariant of the checker must see: its number, and an id that it must name."""

from collections.abc import Callable
from dataclasses import replace

from tests.checker.sql import Owed
from tests.unit.checker.badly_moved import BADLY_MOVED
from tests.unit.checker.gone_wrong import GONE_WRONG
from tests.unit.checker.world import ACCEPTED, CLINIC, DAY, DECIDE_BY, DOCTOR, HOUR, World

NINE, TEN = ACCEPTED, ACCEPTED + HOUR


def two_on_a_slot(world: World) -> None:
    world.row("appointments", "appointment-1")["slot_id"] = "slot-3"


def freed_under_an_appointment(world: World) -> None:
    world.row("slots", "slot-1").update(state="free", reservation_id=None, appointment_id=None)


def held_by_another_reservation(world: World) -> None:
    world.row("slots", "slot-1")["reservation_id"] = "reservation-9"


def another_number(world: World) -> None:
    world.row("appointments", "appointment-1")["slot_number"] = 7


def held_for_nobody(world: World) -> None:
    world.row("slots", "slot-9").update(state="taken", reservation_id="reservation-9", appointment_id="appointment-9")


def slot_is_gone(world: World) -> None:
    world.rows("slots").remove(world.row("slots", "slot-1"))


def given_no_place_for_it(world: World) -> None:
    world.rows("day_sets").append({**world.rows("day_sets")[0], "capacity": 9})


def at_another_time(world: World) -> None:
    world.row("appointments", "appointment-21")["starts_at"] -= HOUR


def at_another_place(world: World) -> None:
    world.row("slots", "slot-21")["location_id"] = "elsewhere"


def free_and_not_published(world: World) -> None:
    world.row("slots", "slot-9")["published"] = False


def published_on_a_closed_date(world: World) -> None:
    world.row("slots", "slot-21")["published"] = True


def times_on_a_daily_day(world: World) -> None:
    world.row("slots", "slot-9").update(starts_at=NINE, ends_at=TEN)


def eleven_slots(world: World) -> None:
    world.rows("slots").append({**world.row("slots", "slot-10"), "id": "slot-11", "number": 11})


def told_another_time(world: World) -> None:
    world.answer("book-21")["json"]["starts_at"] = NINE.isoformat()


def unpublished(world: World) -> None:
    world.owed["availability"] = replace(Owed(), unpublished=1)


def no_outcome(world: World) -> None:
    world.rows("outcomes").remove(world.row("outcomes", "command-book-5"))


def not_settled(world: World) -> None:
    world.row("outcomes", "command-cancel-2")["settled_at"] = None


def outcome_of_nothing(world: World) -> None:
    world.unsay("BookAppointment", command_id="command-book-5")


def success_too_late(world: World) -> None:
    world.row("outcomes", "command-book-1")["decided_at"] = DECIDE_BY + HOUR


def accepted_and_never_arrived(world: World) -> None:
    world.history.append({**world.history[0], "key": "book-9", "command_id": "command-book-9"})


def arrived_though_refused(world: World) -> None:
    world.history = [entry for entry in world.history if entry["key"] != "book-5"]
    world.history.append({**world.history[0], "key": "book-5", "command_id": "command-book-5", "status": 503})
    world.history[-1]["code"] = "not_accepted"


def booked_and_not_there(world: World) -> None:
    world.rows("appointments").remove(world.row("appointments", "appointment-1"))


def booked_elsewhere(world: World) -> None:
    world.answer("book-1")["json"]["slot"] = 7


def refused_and_alive(world: World) -> None:
    world.answer("book-1").update(status=409, code="full")


def cancelled_and_alive(world: World) -> None:
    world.row("appointments", "appointment-2")["status"] = "booked"


def another_position(world: World) -> None:
    world.answer("check-in-3")["json"]["position"] = 2


def answered_differently(world: World) -> None:
    world.history.append({**world.answer("book-5"), "status": 201, "code": None, "json": {"id": "appointment-1"}})


def two_commands_of_a_key(world: World) -> None:
    world.history[0]["command_id"] = "command-book-5"


def told_other_than_stored(world: World) -> None:
    world.row("outcomes", "command-book-5")["code"] = "too_far"


def two_messages_of_a_command(world: World) -> None:
    world.say_again("BookAppointment", command_id="command-book-1", message_id="another")


def booked_twice(world: World) -> None:
    world.say_again("AppointmentBooked", appointment_id="appointment-1", message_id="another")


def reserved_twice(world: World) -> None:
    world.say_again("SlotReserved", appointment_id="appointment-1", message_id="another")


def two_appointments_of_a_command(world: World) -> None:
    world.row("appointments", "appointment-1")["command_id"] = "command-book-2"


def cancelled_twice(world: World) -> None:
    world.say_again("AppointmentCancelled", message_id="another")


def queued_twice(world: World) -> None:
    world.rows("entries").append({**world.row("entries", "entry-3"), "id": "entry-9", "position": 3})


def one_id_two_events(world: World) -> None:
    world.say_again("AppointmentBooked", appointment_id="appointment-1")["slot_number"] = 7


def change_unsaid(world: World) -> None:
    world.unsay("AppointmentCancelled")


def booked_unsaid(world: World) -> None:
    world.unsay("AppointmentBooked", appointment_id="appointment-1")


def change_without_commit(world: World) -> None:
    world.row("appointments", "appointment-2").update(status="booked", version=1)


def released_and_held(world: World) -> None:
    world.row("slots", "slot-2").update(state="taken", reservation_id="reservation-2", appointment_id="appointment-2")


def queued_unsaid(world: World) -> None:
    world.unsay("PatientQueued")


def said_without_commit(world: World) -> None:
    again = world.say_again("AppointmentBooked", appointment_id="appointment-1", message_id="another")
    again["appointment_id"] = "appointment-9"


def reserved_unsaid(world: World) -> None:
    world.unsay("SlotReserved", appointment_id="appointment-1")


def released_unsaid(world: World) -> None:
    world.unsay("SlotReleased")


def freed_unsaid(world: World) -> None:
    world.unsay("SlotFreed", reservation_id="reservation-6")


def refused_unsaid(world: World) -> None:
    world.unsay("BookingRefused")


def a_gap(world: World) -> None:
    world.row("appointments", "appointment-2")["version"] = 3


def versions_out_of_order(world: World) -> None:
    booked = next(one for one in world.said if one[1] is world.message("AppointmentBooked", appointment_id="appointment-2"))
    world.said.remove(booked)
    world.said.append(booked)


def queue_behind(world: World) -> None:
    world.rows("queue_days")[0]["version"] = 5


def doctor_unsaid(world: World) -> None:
    world.row("doctors", DOCTOR)["version"] = 2


def old_settings(world: World) -> None:
    world.tables["queue"]["clinic_settings"][0]["version"] = 0


def a_position_is_missing(world: World) -> None:
    world.row("entries", "entry-4")["position"] = 3


def out_of_order(world: World) -> None:
    world.row("entries", "entry-3")["position"] = 2
    world.row("entries", "entry-4")["position"] = 1


def checked_in_twice(world: World) -> None:
    world.say_again("PatientCheckedIn", appointment_id="appointment-3", message_id="another")


def dead_in_the_queue(world: World) -> None:
    world.row("appointments", "appointment-3")["status"] = "cancelled"


def in_no_queue(world: World) -> None:
    world.row("appointments", "appointment-1")["status"] = "checked_in"


def hold_outlived(world: World) -> None:
    world.row("appointments", "appointment-1").update(status="pending", expires_at=ACCEPTED - HOUR)


def confirmed_and_expired(world: World) -> None:
    for kind in ("AppointmentConfirmed", "AppointmentExpired"):
        world.say_again("AppointmentBooked", appointment_id="appointment-1", message_id=kind)["type"] = kind


def patient_in_two_places(world: World) -> None:
    world.row("appointments", "appointment-1").update(starts_at=NINE, ends_at=TEN)
    world.row("appointments", "appointment-3").update(starts_at=NINE + HOUR / 2, ends_at=TEN + HOUR)


def doctor_in_two_places(world: World) -> None:
    for number in (8, 9):
        world.row("slots", f"slot-{number}").update(starts_at=NINE, ends_at=TEN)


def lagging(world: World) -> None:
    world.lag["queue"] = 3


def unsent(world: World) -> None:
    world.owed["booking"] = replace(Owed(), unsent=1)


def idle(world: World) -> None:
    world.owed["gateway"] = replace(Owed(), idle=1)


def dead_letter(world: World) -> None:
    world.letters = [b"nonsense"]


BROKEN: list[tuple[int, Callable[[World], None], str]] = [
    (1, two_on_a_slot, "slot-3"),
    (1, freed_under_an_appointment, "appointment-1"),
    (1, held_by_another_reservation, "appointment-1"),
    (1, another_number, "appointment-1"),
    (1, held_for_nobody, "slot-9"),
    (1, slot_is_gone, "appointment-1"),
    (1, eleven_slots, DOCTOR),
    (1, given_no_place_for_it, DOCTOR),
    (1, at_another_time, "appointment-21"),
    (1, at_another_place, "appointment-21"),
    (1, free_and_not_published, "slot-9"),
    (1, published_on_a_closed_date, "slot-21"),
    (1, times_on_a_daily_day, "slot-9"),
    (2, no_outcome, "command-book-5"),
    (2, not_settled, "command-cancel-2"),
    (2, outcome_of_nothing, "command-book-5"),
    (2, success_too_late, "command-book-1"),
    (2, accepted_and_never_arrived, "command-book-9"),
    (2, arrived_though_refused, "command-book-5"),
    (3, booked_and_not_there, "appointment-1"),
    (3, booked_elsewhere, "appointment-1"),
    (3, refused_and_alive, "appointment-1"),
    (3, cancelled_and_alive, "appointment-2"),
    (3, another_position, "entry-3"),
    (3, told_another_time, "appointment-21"),
    (4, answered_differently, "book-5"),
    (4, two_commands_of_a_key, "book-1"),
    (4, no_outcome, "command-book-5"),
    (4, told_other_than_stored, "command-book-5"),
    (4, two_messages_of_a_command, "command-book-1"),
    (5, booked_twice, "command-book-1"),
    (5, reserved_twice, "command-book-1"),
    (5, two_appointments_of_a_command, "command-book-2"),
    (5, cancelled_twice, "command-cancel-2"),
    (5, cancelled_and_alive, "command-cancel-2"),
    (5, queued_twice, "appointment-3"),
    (6, one_id_two_events, "booked-1"),
    (6, change_unsaid, "appointment-2"),
    (6, booked_unsaid, "appointment-1"),
    (6, change_without_commit, "appointment-2"),
    (6, released_and_held, "reservation-2"),
    (6, queued_unsaid, "entry-3"),
    (6, said_without_commit, "appointment-9"),
    (6, reserved_unsaid, "reservation-1"),
    (6, released_unsaid, "reservation-2"),
    (6, freed_unsaid, "released-6"),
    (6, refused_unsaid, "command-book-5"),
    (7, a_gap, "appointment-2"),
    (7, versions_out_of_order, "appointment-2"),
    (7, queue_behind, f"{CLINIC}:{DOCTOR}:{DAY}"),
    (7, doctor_unsaid, DOCTOR),
    (7, old_settings, CLINIC),
    (8, a_position_is_missing, f"{CLINIC}:{DOCTOR}:{DAY}"),
    (8, out_of_order, f"{CLINIC}:{DOCTOR}:{DAY}"),
    (9, checked_in_twice, "appointment-3"),
    (9, dead_in_the_queue, "appointment-3"),
    (9, in_no_queue, "appointment-1"),
    (10, hold_outlived, "appointment-1"),
    (10, confirmed_and_expired, "appointment-1"),
    (11, patient_in_two_places, "patient"),
    (11, doctor_in_two_places, DOCTOR),
    (15, lagging, "queue"),
    (15, unsent, "booking"),
    (15, idle, "gateway"),
    (15, unpublished, "availability"),
    (15, dead_letter, "booking.commands.availability.dlq"),
    *GONE_WRONG,
    *BADLY_MOVED,
]
