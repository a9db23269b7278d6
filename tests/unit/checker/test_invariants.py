"""Each invariant of the checker on a world made by hand: it holds there, looks at something, and names what was broken."""

import json
from collections.abc import Callable

import pytest

from tests.unit.checker.broken import BROKEN, HOUR, NINE, TEN
from tests.unit.checker.world import DECIDE_BY, World, clean


def test_a_clean_world_is_clean_and_looked_at() -> None:
    report = clean().report()
    assert report.ok, report.text()
    assert [finding.invariant for finding in report.findings] == [*range(1, 12), 15]
    idle_now = {finding.invariant for finding in report.findings if not any(finding.looked_at.values())}
    assert idle_now == {10, 11}, "nothing is held for a time or has one yet"


@pytest.mark.parametrize(("invariant", "broken", "id_"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_broken_is_named(invariant: int, broken: Callable[[World], None], id_: str) -> None:
    world = clean()
    broken(world)
    report = world.report()
    finding = next(one for one in report.findings if one.invariant == invariant)
    assert any(id_ in violation.ids for violation in finding.violations), report.text()


def test_every_invariant_is_broken_once() -> None:
    assert {invariant for invariant, _, _ in BROKEN} == {*range(1, 12), 15}


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
    world.say_again("PatientQueued", message_id="another", version=1)["version"] = 2


def back_to_back(world: World) -> None:
    world.row("appointments", "appointment-1").update(starts_at=NINE, ends_at=TEN)
    world.row("appointments", "appointment-3").update(starts_at=TEN, ends_at=TEN + HOUR)


@pytest.mark.parametrize(
    "allowed",
    [
        a_repeat, an_injected_letter, an_injected_command, a_lost_command, an_unknown_id, a_lost_connection,
        another_body_with_the_key, a_second_cancel, queued_again, back_to_back,
    ],
)  # fmt: skip
def test_what_is_allowed_is_no_violation(allowed: Callable[[World], None]) -> None:
    world = clean()
    allowed(world)
    report = world.report()
    assert report.ok, report.text()
