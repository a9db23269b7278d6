"""`frontdesk reconcile --dry-run`: a row that is broken by hand is found, and nothing else is new."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.e2e.cli import Cli
from tests.support.clinic import Clinic, in_days, today

LONG_AGO_SECONDS = 3600
COMPARE = ("reconcile", "--dry-run", "--wait", "5", "--json")


async def found(cli: Cli) -> set[tuple[str, ...]]:
    """The differences that persist, by kind and ids; what other tests of the session left is among them."""
    done = await cli.run(*COMPARE)
    assert done.exit_code in (0, 1)

    return {(one["kind"], *sorted(one["ids"].values())) for one in json.loads(done.stdout)["differences"]}


async def test_what_is_broken_by_hand_is_found(cli: Cli, clinic: Clinic, superuser: Callable[..., Any]) -> None:
    doctor, patient = await clinic.doctor(capacity=3, date=today()), await clinic.patient()
    one, other = [await clinic.booked(doctor, patient, today()) for _ in range(2)]
    arrived = await clinic.check_in(other["id"], patient)
    assert arrived.status_code == 201
    before = await found(cli)
    booking, queue = await superuser("booking"), await superuser("queue")
    reservation = await booking.fetchval("SELECT reservation_id FROM appointments WHERE id = $1", one["id"])
    nobodys, entry = str(uuid4()), arrived.json()["id"]
    await booking.execute("UPDATE appointments SET status = 'cancelled' WHERE id = $1", one["id"])
    await queue.execute("UPDATE entries SET appointment_id = $1 WHERE id = $2", nobodys, entry)
    assert await found(cli) - before == {
        ("slot_without_appointment", *sorted((one["slot_id"], str(reservation), one["id"]))),
        ("arrival_without_entry", other["id"]),
        ("entry_without_arrival", *sorted((entry, nobodys))),
    }
    without_kafka = await cli.run("reconcile", "--dry-run", "--wait", "3", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert without_kafka.exit_code == 1 and one["id"] in without_kafka.stdout
    await booking.execute("UPDATE appointments SET status = 'booked' WHERE id = $1", one["id"])
    await queue.execute("UPDATE entries SET appointment_id = $1 WHERE id = $2", other["id"], entry)
    assert await found(cli) <= before


async def test_places_that_a_move_left_taken_and_holds_that_nobody_ended_are_found(
    cli: Cli, clinic: Clinic, superuser: Callable[..., Any]
) -> None:
    doctor, other, patient = await clinic.doctor(), await clinic.doctor(), await clinic.patient()
    place = {"doctor_id": doctor, "patient_id": patient, "date": in_days(3)}
    held = (await clinic.post("/appointments", {**place, "confirm": False})).json()
    booked = await clinic.booked(doctor, patient, in_days(3))
    moved = await clinic.post(f"/appointments/{booked['id']}/reschedule", {"doctor_id": other, "date": in_days(4)})
    assert moved.status_code == 200, moved.text
    before = await found(cli)
    assert not {id_ for _, *ids in before for id_ in ids} & {held["id"], booked["id"]}
    booking, availability, reservation = await superuser("booking"), await superuser("availability"), str(uuid4())
    take = "UPDATE slots SET state = 'taken', reservation_id = $2, appointment_id = $3 WHERE id = $1"
    await availability.execute(take, booked["slot_id"], reservation, booked["id"])
    over = "UPDATE appointments SET expires_at = now() - make_interval(secs => $2) WHERE id = $1"
    await booking.execute(over, held["id"], LONG_AGO_SECONDS)
    assert await found(cli) - before == {
        ("old_place_taken", *sorted((booked["slot_id"], reservation, booked["id"]))),
        ("hold_overdue", held["id"]),
    }
    give_back = "UPDATE slots SET state = 'free', reservation_id = NULL, appointment_id = NULL WHERE id = $1"
    await availability.execute(give_back, booked["slot_id"])
    await booking.execute(over, held["id"], -LONG_AGO_SECONDS)


async def test_it_says_how_much_it_compared_and_nothing_of_another_clinic(cli: Cli, clinic: Clinic) -> None:
    await clinic.booked(await clinic.doctor(capacity=1), await clinic.patient())
    all_of_it = await cli.run(*COMPARE)
    assert '"slots": 0' not in all_of_it.stdout
    nobodys = "00000000-0000-7000-8000-00000000ffff"
    assert "nothing to mend (0 slots" in await cli.text("reconcile", "--dry-run", "--clinic", nobodys)


async def test_it_mends_nothing_yet(cli: Cli) -> None:
    done = await cli.run("reconcile")
    assert done.exit_code == 2 and "--dry-run" in done.stderr
    for wrong in (("--clinic", "x"), ("--from", "yesterday")):
        await cli.text("reconcile", "--dry-run", *wrong, code=2)
