"""Each way to break what is true of patients and doctors who are gone: deleted, merged, their slots revoked. As `broken.py`."""

from collections.abc import Callable

from tests.unit.checker.world import DOCTOR, World, book, delete, register


def told_of_another_patient(world: World) -> None:
    world.answer("book-1")["json"]["patient_id"] = "leaver"


def queued_for_another_patient(world: World) -> None:
    world.answer("check-in-8")["json"]["patient_id"] = "leaver"


def cancelled_by_nobody(world: World) -> None:
    world.message("AppointmentCancelled", causation_id="revoked-31")["causation_id"] = None


def revoked_another_appointment(world: World) -> None:
    world.message("AppointmentCancelled", causation_id="revoked-31")["causation_id"] = "revoked-32"


def reassigned_unsaid(world: World) -> None:
    world.unsay("AppointmentReassigned")


def reassigned_to_a_stranger(world: World) -> None:
    world.message("AppointmentReassigned")["patient_id"] = "leaver"
    world.row("appointments", "appointment-8")["patient_id"] = "leaver"
    world.row("entries", "entry-8")["patient_id"] = "leaver"


def queue_of_the_old_patient(world: World) -> None:
    world.row("entries", "entry-8")["patient_id"] = "double"


def delete_unsaid(world: World) -> None:
    world.message("PatientChanged", patient_id="leaver", version=2)["status"] = "active"


def deleted_patient_is_booked(world: World) -> None:
    book(world, 9, "leaver")


def merged_patient_is_booked(world: World) -> None:
    book(world, 9, "double")


def merged_into_the_merged(world: World) -> None:
    register(world, "patients", "third")
    delete(world, "patients", "third", merged_into="double")


def deleted_doctor_is_booked(world: World) -> None:
    world.row("appointments", "appointment-32")["status"] = "booked"


def deleted_doctor_has_a_slot(world: World) -> None:
    slot = {**world.row("slots", "slot-32"), "id": "slot-33", "number": 33}
    world.rows("slots").append({**slot, "state": "free", "reservation_id": None, "appointment_id": None, "published": True})


def slot_of_the_deleted_is_published(world: World) -> None:
    world.row("slots", "slot-32")["published"] = True


def revoked_twice(world: World) -> None:
    world.say_again("SlotRevoked", reservation_id="reservation-31", message_id="another")


def revoked_of_a_doctor_in_use(world: World) -> None:
    held = {"reservation_id": "reservation-1", "appointment_id": "appointment-1"}
    world.say_again("SlotRevoked", message_id="another").update(doctor_id=DOCTOR, **held)


GONE_WRONG: list[tuple[int, Callable[[World], None], str]] = [
    (3, told_of_another_patient, "appointment-1"),
    (3, queued_for_another_patient, "entry-8"),
    (5, cancelled_by_nobody, "appointment-31"),
    (5, revoked_another_appointment, "appointment-31"),
    (6, reassigned_unsaid, "appointment-8"),
    (7, reassigned_unsaid, "appointment-8"),
    (6, reassigned_to_a_stranger, "appointment-8"),
    (6, queue_of_the_old_patient, "appointment-8"),
    (7, delete_unsaid, "leaver"),
    (16, deleted_patient_is_booked, "appointment-9"),
    (16, merged_patient_is_booked, "appointment-9"),
    (16, merged_into_the_merged, "third"),
    (16, deleted_doctor_is_booked, "appointment-32"),
    (16, deleted_doctor_has_a_slot, "slot-33"),
    (16, slot_of_the_deleted_is_published, "slot-32"),
    (16, revoked_twice, "reservation-31"),
    (16, revoked_of_a_doctor_in_use, "reservation-1"),
]
