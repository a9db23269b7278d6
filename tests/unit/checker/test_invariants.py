"""Each invariant of the checker on a world made by hand: it holds there, looks at something, and names what was broken."""

import json
from collections.abc import Callable

import pytest

from tests.unit.checker.broken import BROKEN
from tests.unit.checker.scenes import clean
from tests.unit.checker.world import ACCEPTED, DECIDE_BY, GONE, HOUR, World, book


def test_a_clean_world_is_clean_and_looked_at() -> None:
    report = clean().report()
    assert report.ok, report.text()
    assert [finding.invariant for finding in report.findings] == [*range(1, 12), 13, 15, 16]
    assert all(any(finding.looked_at.values()) for finding in report.findings)


@pytest.mark.parametrize(("invariant", "broken", "id_"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_broken_is_named(invariant: int, broken: Callable[[World], None], id_: str) -> None:
    world = clean()
    broken(world)
    report = world.report()
    finding = next(one for one in report.findings if one.invariant == invariant)
    assert any(id_ in violation.ids for violation in finding.violations), report.text()


def test_every_invariant_is_broken_once() -> None:
    assert {invariant for invariant, _, _ in BROKEN} == {*range(1, 12), 13, 15, 16}


def a_repeat(world: World) -> None:
    """Commands and events come again, under their own ids."""
    world.say_again("BookAppointment", command_id="command-book-1")["decide_by"] = (DECIDE_BY + HOUR).isoformat()
    world.say_again("SlotReserved", appointment_id="appointment-1")
    world.history.append(world.answer("book-1"))


def an_injected_letter(world: World) -> None:
    nonsense = json.dumps({"type": "BookAppointment", "command_id": "nonsense"}).encode()
    world.said.append(("booking.commands", json.loads(nonsense)))
    world.letters, world.injected = [nonsense], [nonsense]


def an_injected_command(world: World) -> None:
    """A command that nobody can read: a dead letter, and an outcome that says so."""
    asked = {**world.message("BookAppointment"), "message_id": "another", "command_id": "command-book-9", "v": 9}
    world.said.append(("booking.commands", asked))
    world.letters = world.injected = [json.dumps(asked).encode()]
    failed = {"command_id": "command-book-9", "status_code": 500, "code": "internal", "result": None}
    world.rows("outcomes").append({**world.row("outcomes", "command-book-5"), **failed})


def a_lost_command(world: World) -> None:
    """A 202 whose request rode on one that was never produced: closed in the end."""
    lost = {**world.row("outcomes", "command-book-5"), "command_id": "command-book-9", "code": "lost"}
    world.rows("outcomes").append(lost)
    told = {**world.answer("book-5"), "key": "book-9", "command_id": "command-book-9", "code": "lost"}
    world.history += [{**told, "status": 202, "code": None}, told]


def an_unknown_id(world: World) -> None:
    """A gateway refuses it: nothing is produced, nothing is stored."""
    told = {"key": "book-9", "command_id": "command-book-9", "status": 404, "code": "unknown_doctor"}
    world.history.append({**world.answer("book-5"), **told})


def a_lost_connection(world: World) -> None:
    world.history.append({**world.answer("book-5"), "status": None, "code": None, "json": None, "command_id": None})


def another_body_with_the_key(world: World) -> None:
    world.history.append({**world.answer("book-1"), "status": 422, "code": "key_reused", "json": {"code": "key_reused"}})


def a_second_cancel(world: World) -> None:
    """Cancelling what is cancelled succeeds, has no effect, and releases once more what is released."""
    for kind in ("CancelAppointment", "SlotReleased", "SlotFreed"):
        again = world.say_again(kind, command_id="command-cancel-2", message_id=f"second-{kind}")
        again["command_id"] = "command-cancel-9"
        again["causation_id"] = "second-SlotReleased"
    world.rows("outcomes").append({**world.row("outcomes", "command-cancel-2"), "command_id": "command-cancel-9"})
    world.history.append({**world.answer("cancel-2"), "key": "cancel-9", "command_id": "command-cancel-9"})


def queued_again(world: World) -> None:
    world.say_again("PatientQueued", message_id="another", version=1)["version"] = 3


def a_smaller_day(world: World) -> None:
    """A day is what it was last made, whatever it was before."""
    world.rows("day_sets").append({**world.rows("day_sets")[0], "capacity": 9})
    world.rows("slots").remove(world.row("slots", "slot-10"))


def a_day_with_a_high_number(world: World) -> None:
    """A taken number may be above what is left of the day."""
    world.rows("day_sets").append({**world.rows("day_sets")[0], "capacity": 9})
    world.rows("slots").remove(world.row("slots", "slot-9"))


def merged_before_it_was_booked(world: World) -> None:
    """A booking by the old id is the survivor's from the beginning."""
    book(world, 9, "patient")
    world.answer("book-9")["json"]["patient_id"] = "double"


def a_past_appointment_of_the_deleted(world: World) -> None:
    """What was over before stays as it was, of patients and doctors."""
    for table, id_ in (("patients", "leaver"), ("doctors", GONE)):
        world.row(table, id_)["updated_at"] += 48 * HOUR
    book(world, 9, "leaver")
    world.row("slots", "slot-32")["published"] = True


def displaced(world: World) -> None:
    """A move that no client asked for: its reservation brought it in."""
    world.unsay("RescheduleAppointment", command_id="command-move-51")
    world.message("SlotReserved", reservation_id="reservation-61")["purpose"] = "displace"
    world.history = [entry for entry in world.history if entry["key"] != "move-51"]


def a_second_confirm(world: World) -> None:
    """Confirming what is booked succeeds and has no effect."""
    again = {**world.row("outcomes", "command-confirm-51"), "command_id": "command-confirm-9"}
    world.rows("outcomes").append(again)
    world.say_again("ConfirmAppointment", message_id="another")["command_id"] = "command-confirm-9"
    world.history.append({**world.answer("confirm-51"), "key": "confirm-9", "command_id": "command-confirm-9"})


def a_dead_hold_of_the_deleted(world: World) -> None:
    """It was over before its patient was deleted, and the sweep has not come yet."""
    book(world, 9, "leaver")
    world.row("appointments", "appointment-9").update(status="pending", expires_at=ACCEPTED)


@pytest.mark.parametrize(
    "allowed",
    [
        a_repeat, an_injected_letter, an_injected_command, a_lost_command, an_unknown_id, a_lost_connection,
        another_body_with_the_key, a_second_cancel, queued_again, a_smaller_day, a_day_with_a_high_number,
        merged_before_it_was_booked, a_past_appointment_of_the_deleted, a_dead_hold_of_the_deleted,
        displaced, a_second_confirm,
    ],
)  # fmt: skip
def test_what_is_allowed_is_no_violation(allowed: Callable[[World], None]) -> None:
    world = clean()
    allowed(world)
    report = world.report()
    assert report.ok, report.text()
