"""The batches of the queue: check-ins, reassigned appointments, and repeats of check-ins."""

from uuid import uuid4

from shared.contracts.booking import AppointmentReassigned, PatientCheckedIn
from shared.contracts.commands import CommandRepeated
from shared.contracts.envelope import Message
from shared.infra.ids import new_id
from tests.integration.costs.batches import CLINIC_SETTINGS, REPLY, Batch
from tests.integration.costs.consumer import Consumer
from tests.integration.queue.conftest import NOW, TODAY, checked_in
from tests.support.messages import caused


async def check_ins(consumer: Consumer, size: int) -> list[Message]:
    """Each the first of its day."""
    return [checked_in(consumer.clinic, uuid4()) for _ in range(size)]


async def check_ins_of_one_day(consumer: Consumer, size: int) -> list[Message]:
    doctor = uuid4()
    return [checked_in(consumer.clinic, doctor) for _ in range(size)]


async def check_ins_again(consumer: Consumer, size: int) -> list[Message]:
    first = await check_ins(consumer, size)
    await consumer.read(first)
    return [message.model_copy(update={"message_id": new_id()}) for message in first]


async def reassigned(consumer: Consumer, size: int) -> list[Message]:
    """A merge gave appointments with entries to somebody else."""
    first = [one for one in await check_ins(consumer, size) if isinstance(one, PatientCheckedIn)]
    await consumer.read(first)
    names = {"doctor_id", "date", "appointment_id"}
    moved = [{**one.model_dump(include=names), "patient_id": uuid4(), "version": 3} for one in first]
    return [caused(AppointmentReassigned, one, occurred_at=NOW, **fields) for one, fields in zip(first, moved, strict=True)]


async def repeats(consumer: Consumer, size: int) -> list[Message]:
    first = [one for one in await check_ins(consumer, size) if isinstance(one, PatientCheckedIn)]
    await consumer.read(first)
    day = {"doctor_id": uuid4(), "date": TODAY}
    return [caused(CommandRepeated, one, occurred_at=NOW, **day, appointment_id=one.appointment_id) for one in first]


QUEUED = {"PatientQueued": 1} | REPLY

BATCHES = (
    Batch("check-ins", PatientCheckedIn, check_ins, QUEUED),
    Batch("check-ins of one day", PatientCheckedIn, check_ins_of_one_day, QUEUED),
    Batch("check-ins again", PatientCheckedIn, check_ins_again, QUEUED),
    Batch("reassigned appointments", AppointmentReassigned, reassigned),
    Batch("repeats", CommandRepeated, repeats, REPLY),
    CLINIC_SETTINGS,
)
