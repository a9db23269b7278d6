"""Each way to break what is true of holds and moves: confirmed, expired, given another place. As `broken.py`."""

from collections.abc import Callable
from dataclasses import replace

from tests.checker.sql import Owed
from tests.unit.checker.world import ACCEPTED, HELD_UNTIL, HOUR, World, reserve


def old_place_kept(world: World) -> None:
    world.row("slots", "slot-51").update(state="taken", reservation_id="reservation-51", appointment_id="appointment-51")


def displaced_and_undecided(world: World) -> None:
    reserve(world, 9)
    world.message("SlotReserved", reservation_id="reservation-9").update(purpose="displace", command_id="displaced-9")


def told_another_new_place(world: World) -> None:
    world.answer("move-51")["json"]["slot"] = 7


def moved_and_not_there(world: World) -> None:
    world.row("appointments", "appointment-51")["slot_id"] = "slot-51"


def confirmed_and_booked_by_nobody(world: World) -> None:
    world.unsay("AppointmentConfirmed")


def confirmed_and_over(world: World) -> None:
    world.row("appointments", "appointment-51")["status"] = "expired"


def moved_twice(world: World) -> None:
    world.say_again("AppointmentMoved", message_id="another")


def moved_unsaid(world: World) -> None:
    world.unsay("AppointmentMoved")


def kept_unsaid(world: World) -> None:
    world.unsay("SlotKept")


def moved_by_two_reservations(world: World) -> None:
    world.say_again("SlotReserved", reservation_id="reservation-61", message_id="another")


def confirmed_twice(world: World) -> None:
    world.say_again("AppointmentConfirmed", message_id="another")


def confirmed_by_another(world: World) -> None:
    world.say_again("AppointmentConfirmed", message_id="another")["command_id"] = "command-book-51"


def expired_unsaid(world: World) -> None:
    world.unsay("AppointmentExpired")


def expired_without_commit(world: World) -> None:
    world.row("appointments", "appointment-52").update(status="booked", version=1)


def moved_to_another_place(world: World) -> None:
    world.message("AppointmentMoved")["slot_id"] = "slot-62"


def moved_without_commit(world: World) -> None:
    world.row("appointments", "appointment-51")["version"] = 2


def refused_move_unsaid(world: World) -> None:
    refused = {**world.row("outcomes", "command-move-51"), "command_id": "command-move-9", "code": "full", "result": None}
    world.rows("outcomes").append(refused)


def confirmed_late(world: World) -> None:
    world.message("AppointmentConfirmed")["occurred_at"] = (HELD_UNTIL + HOUR).isoformat()


def expired_early(world: World) -> None:
    world.message("AppointmentExpired")["occurred_at"] = ACCEPTED.isoformat()


def an_end_without_a_hold(world: World) -> None:
    world.row("appointments", "appointment-51")["expires_at"] = HELD_UNTIL


def both_ends(world: World) -> None:
    world.say_again("AppointmentExpired", message_id="another")["appointment_id"] = "appointment-51"


def a_change_is_not_in_the_history(world: World) -> None:
    world.rows("changes").remove(next(row for row in world.rows("changes") if row["action"] == "appointment_moved"))


def a_change_twice_in_the_history(world: World) -> None:
    world.rows("changes").append(world.rows("changes")[0])


def a_hold_told_as_a_booking(world: World) -> None:
    next(row for row in world.rows("changes") if row["action"] == "appointment_held")["action"] = "appointment_booked"


def not_swept(world: World) -> None:
    world.owed["booking"] = replace(Owed(), unexpired=1)


BADLY_MOVED: list[tuple[int, Callable[[World], None], str]] = [
    (1, old_place_kept, "slot-51"),
    (1, moved_and_not_there, "appointment-51"),
    (2, displaced_and_undecided, "displaced-9"),
    (3, told_another_new_place, "appointment-51"),
    (3, moved_and_not_there, "appointment-51"),
    (3, confirmed_and_booked_by_nobody, "appointment-51"),
    (3, confirmed_and_over, "appointment-51"),
    (5, moved_twice, "command-move-51"),
    (5, moved_unsaid, "command-move-51"),
    (5, kept_unsaid, "command-move-62"),
    (5, moved_by_two_reservations, "command-move-51"),
    (5, confirmed_twice, "appointment-51"),
    (5, confirmed_by_another, "command-book-51"),
    (5, expired_unsaid, "appointment-52"),
    (6, old_place_kept, "reservation-51"),
    (6, expired_unsaid, "appointment-52"),
    (6, expired_without_commit, "appointment-52"),
    (6, moved_to_another_place, "appointment-51"),
    (6, moved_without_commit, "appointment-51"),
    (6, refused_move_unsaid, "command-move-9"),
    (7, moved_unsaid, "appointment-51"),
    (7, confirmed_and_booked_by_nobody, "appointment-51"),
    (10, confirmed_late, "appointment-51"),
    (10, expired_early, "appointment-52"),
    (10, an_end_without_a_hold, "appointment-51"),
    (10, both_ends, "appointment-51"),
    (13, a_change_is_not_in_the_history, "appointment-51"),
    (13, a_change_twice_in_the_history, "appointment-1"),
    (13, a_hold_told_as_a_booking, "appointment-51"),
    (15, not_swept, "booking"),
]
