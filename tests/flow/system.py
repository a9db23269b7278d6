"""Availability, booking and queue wired as their processes are, over brokers in memory and the real Postgres.

The brokers deliver at once, inside `publish`: when a command was sent, its whole story has happened. They know no partitions, no
offsets and no redelivery; tests on the real Kafka do. Built by the fixture `system`.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import httpx2
import orjson
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.contracts.booking import BookAppointment, CancelAppointment, CheckInPatient, ConfirmAppointment, RescheduleAppointment
from shared.contracts.calendar import Weekday
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import DECIDE_WITHIN_SECONDS, CommandAnswered
from shared.contracts.envelope import ClientCommand, Message
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import ALL_TOPICS, APPOINTMENT_COMMANDS, BOOKING_COMMANDS, REGISTRY_EVENTS, Topic
from shared.infra import ids
from shared.infra.kafka.broker import raw_batch, records_of
from shared.infra.kafka.publisher import Publisher
from shared.infra.kafka.records import decode, record_of
from shared.infra.runtime import Runtime
from tests.support.kafka import InMemoryProducer

C = TypeVar("C", bound=ClientCommand)
Slot = Mapping[str, Any]
"""An open slot as availability tells of it."""
TOPICS = {topic.name: topic for topic in ALL_TOPICS}
PRINCIPAL = "open"


def result_of(reply: CommandAnswered) -> dict[str, Any]:
    """What a command that succeeded gives its client."""
    assert reply.answer.succeeded and reply.answer.result is not None, reply.answer
    return reply.answer.result


@dataclass
class System:
    """The three services of one clinic, what was said on every topic in order, and calls as the gateway makes them."""

    clinic_id: UUID
    runtimes: dict[str, Runtime]
    http: dict[str, httpx2.AsyncClient]
    broker: KafkaBroker
    log: list[tuple[Topic, Message]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listens to everything, as a group of its own."""
        listener = self.broker.subscriber(
            *TOPICS,
            group_id="observer",
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            parser=raw_batch,
            decoder=records_of,
            no_reply=True,
        )
        listener(self._hear)

    async def _hear(self, records: list["ConsumerRecord[Any, Any]"]) -> None:
        for record in records:
            topic = TOPICS[record.topic]
            message = decode(topic, record.value)
            assert message is not None
            assert record.key == message.key
            if message.clinic_id == self.clinic_id:  # the sweep of holds ends those of all clinics
                self.log.append((topic, message))

    async def send(self, topic: Topic, message: Message) -> list[CommandAnswered]:
        """Publishes a message, and answers the replies that it led to."""
        before = len(self.log)
        await Publisher(InMemoryProducer(self.broker)).send(record_of(topic, message))
        return [reply for _, reply in self.log[before:] if isinstance(reply, CommandAnswered)]

    async def answer(self, topic: Topic, command: Message) -> CommandAnswered:
        """The one reply to a command."""
        (reply,) = await self.send(topic, command)
        assert (reply.command_id, reply.reply_partition) == (command.command_id, command.reply_partition)
        assert reply.correlation_id == command.correlation_id
        return reply

    async def book(self, doctor: str, patient: str, date: dt.date, **envelope: Any) -> CommandAnswered:
        """Sends `BookAppointment` and answers its reply."""
        return await self.answer(BOOKING_COMMANDS, self.booking(doctor, patient, date, **envelope))

    async def cancel(self, appointment: str, **envelope: Any) -> CommandAnswered:
        """Sends `CancelAppointment` and answers its reply."""
        return await self.answer(APPOINTMENT_COMMANDS, self.cancellation(appointment, **envelope))

    async def check_in(self, appointment: str, patient: str, **envelope: Any) -> CommandAnswered:
        """Sends `CheckInPatient` and answers its reply."""
        return await self.answer(APPOINTMENT_COMMANDS, self.arrival(appointment, patient, **envelope))

    async def hold(self, slot: Slot, patient: str, **envelope: Any) -> CommandAnswered:
        """Sends `BookAppointment` for a slot that is to be held, and answers its reply."""
        asked = self._place(slot) | {"patient_id": patient, "confirm": False}
        return await self.answer(BOOKING_COMMANDS, self._made(BookAppointment, asked, **envelope))

    async def confirm(self, appointment: str, **envelope: Any) -> CommandAnswered:
        """Sends `ConfirmAppointment` and answers its reply."""
        return await self.answer(
            APPOINTMENT_COMMANDS, self._made(ConfirmAppointment, {"appointment_id": appointment}, **envelope)
        )

    async def move(self, appointment: Mapping[str, Any], slot: Slot, **envelope: Any) -> CommandAnswered:
        """Sends `RescheduleAppointment` and answers its reply."""
        return await self.answer(BOOKING_COMMANDS, self.moving(appointment, slot, **envelope))

    def moving(self, appointment: Mapping[str, Any], slot: Slot, **envelope: Any) -> RescheduleAppointment:
        """The command as the gateway makes it."""
        asked = self._place(slot) | {"appointment_id": appointment["id"], "patient_id": appointment["patient_id"]}
        return self._made(RescheduleAppointment, asked, **envelope)

    def booking(self, doctor: str, patient: str, date: dt.date, **envelope: Any) -> BookAppointment:
        """The command as the gateway makes it."""
        asked = {"doctor_id": doctor, "patient_id": patient, "date": date.isoformat()}
        return self._made(BookAppointment, asked, **envelope)

    def cancellation(self, appointment: str, **envelope: Any) -> CancelAppointment:
        """The command as the gateway makes it."""
        return self._made(CancelAppointment, {"appointment_id": appointment}, **envelope)

    def arrival(self, appointment: str, patient: str, **envelope: Any) -> CheckInPatient:
        """The command as the gateway makes it."""
        asked = {"appointment_id": appointment, "patient_id": patient}
        return self._made(CheckInPatient, asked, **envelope)

    @staticmethod
    def _place(slot: Slot) -> dict[str, Any]:
        return {"doctor_id": slot["doctor_id"], "date": slot["date"], "slot_id": slot["id"]}

    def _made(
        self, kind: type[C], asked: dict[str, Any], key: str | None = None, age: dt.timedelta = dt.timedelta(), **more: Any
    ) -> C:
        """Envelope and body. `key` is the client's idempotency key, `age` how long ago the command was accepted.

        `more` is what the message says beside that, of a body that is asked for in this way.
        """
        command = ids.command_id(self.clinic_id, PRINCIPAL, kind.__name__, key)
        accepted = dt.datetime.now(dt.UTC) - age
        asked = asked | more
        return kind.model_validate({
            "type": kind.__name__,
            "message_id": ids.message_id(command, kind.__name__),
            "clinic_id": self.clinic_id,
            "correlation_id": f"desk-{ids.new_id().hex}",
            "command_id": command,
            "actor": "open",
            "principal": PRINCIPAL,
            "body_hash": hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest(),
            "occurred_at": accepted,
            "accepted_at": accepted,
            "decide_by": accepted + dt.timedelta(seconds=DECIDE_WITHIN_SECONDS),
            "reply_partition": 5,
            **asked,
        })  # fmt: skip

    async def get(self, service: str, path: str, **params: object) -> Any:
        """A read over internal HTTP."""
        answer = await self.http[service].get(f"/internal{path}", params={name: str(value) for name, value in params.items()})
        assert answer.is_success, answer.text
        return answer.json()

    async def post(self, service: str, path: str, body: Mapping[str, object]) -> Any:
        """A registry write over internal HTTP."""
        answer = await self.http[service].post(f"/internal{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def doctor(self, capacity: int | None = None, date: dt.date | None = None) -> str:
        """A new doctor; with a capacity, of that day."""
        doctor: str = (await self.post("availability", "/doctors", {"name": "Dr Ada Osei"}))["id"]
        if capacity is not None:
            await self.post("availability", f"/doctors/{doctor}/availability", {"date": str(date), "capacity": capacity})
        return doctor

    async def slots(self, date: dt.date) -> list[Slot]:
        """The four open slots of a new doctor's day, 08:00 to 10:00."""
        doctor, hours = await self.doctor(), {"start": "08:00", "end": "10:00", "slot_minutes": 30}
        week = {"entries": [{"weekday": day, **hours} for day in Weekday]}
        answer = await self.http["availability"].put(f"/internal/doctors/{doctor}/schedule", json=week)
        assert answer.is_success, answer.text
        return await self.open_slots(doctor, date)

    async def open_slots(self, doctor: str, date: dt.date) -> list[Slot]:
        """What can be booked of a doctor's day."""
        found: list[Slot] = (await self.get("availability", "/slots", **{"doctor_id": doctor, "from": date, "to": date}))["items"]
        return found

    async def set(self, **settings: Any) -> None:
        """Tells the services of the clinic's settings."""
        await self.send(REGISTRY_EVENTS, ClinicChanged(
            message_id=ids.new_id(), clinic_id=self.clinic_id, correlation_id="desk-1", actor="system",
            occurred_at=dt.datetime.now(dt.UTC), version=1, code="strict", settings=ClinicSettings(**settings),
        ))  # fmt: skip

    async def history(self, appointment: str) -> list[Any]:
        """All changes of an appointment."""
        changes: list[Any] = (await self.get("booking", f"/appointments/{appointment}/history"))["items"]
        return changes

    async def patient(self) -> str:
        """A new patient with a phone of their own."""
        number = ids.new_id().int % 10**6
        found: str = (
            await self.post("booking", "/patients?on_duplicate=create", {"name": "Maya Lind", "phone": f"+44 7700 {number:06}"})
        )["id"]
        return found

    async def remaining(self, doctor: str, date: dt.date) -> int:
        """How many places of a doctor's day are free."""
        free: int = (await self.get("availability", f"/doctors/{doctor}/availability", date=date))["remaining"]
        return free

    async def outcome(self, command: UUID) -> Any:
        """The stored outcome of a command."""
        asked = {"commands": [{"clinic_id": str(self.clinic_id), "command_id": str(command)}]}
        (found,) = (await self.post("booking", "/commands/look", asked))["outcomes"]
        return found

    def said(self, kind: type[Message]) -> list[Any]:
        """Every message of a type that was published, in order."""
        return [message for _, message in self.log if type(message) is kind]

    @contextmanager
    def away(self, service: str) -> Iterator[None]:
        """While it lasts the service leaves alone whatever it is sent; Kafka would deliver that later, as `redeliver` does."""
        consumer = self.runtimes[service].consumer
        assert consumer is not None
        consumer.policy.stopping.set()
        yield
        consumer.policy.stopping.clear()

    async def redeliver(self, kind: type[Message]) -> list[CommandAnswered]:
        """Delivers the last message of a type again to all that read it, and answers the replies that it led to."""
        topic, message = next(said for said in reversed(self.log) if type(said[1]) is kind)
        return await self.send(topic, message)

    async def unsent(self) -> int:
        """How many rows of the outboxes wait for a relay. The rows that were published go first."""
        left = 0
        for runtime in self.runtimes.values():
            await runtime.outbox.relay_once(runtime.database.hot)
            count = await runtime.database.hot.fetchval("SELECT count(*) FROM outbox WHERE clinic_id = $1", self.clinic_id)
            left += int(count)
        return left
