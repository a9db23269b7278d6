"""The machine's wire to the services in this process: real handlers, registry and Postgres, brokers in memory, and no gateway.

What a gateway does with the requests of the machine is done here: it finds the slot's day, makes the message, hands out replies.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from services.booking.service.appointments.sweep import sweep_job
from shared.contracts.booking import BookAppointment, CancelAppointment, ConfirmAppointment, RescheduleAppointment
from shared.contracts.commands import DECIDE_WITHIN_SECONDS
from shared.contracts.envelope import ClientCommand
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS
from shared.infra import ids
from tests.flow.system import PRINCIPAL, System
from tests.model.audit import audit
from tests.model.office import Reply
from tests.model.over_http import let_lapse

BOOKING, AVAILABILITY = "booking", "availability"
OF_APPOINTMENTS: dict[str, type[ClientCommand]] = {
    "confirm": ConfirmAppointment,
    "cancel": CancelAppointment,
    "reschedule": RescheduleAppointment,
}
LIVE = ("pending", "booked")


class InProcess:
    """Requests as a gateway passes them on."""

    def __init__(self, system: System, availability: Any, booking: Any) -> None:
        self._system = system
        self._availability = availability
        self._booking = booking

    async def call(self, method: str, path: str, body: Any = None, key: str | None = None, **query: Any) -> Reply:
        name, *rest = path.strip("/").split("/")
        if method == "POST" and name == "appointments":
            return await self._book(body, key) if not rest else await self._act(UUID(rest[0]), rest[1], body, key)
        reply = await self._pass(method, path, body, **query)
        return await self._with_displaced(reply)

    async def lapse(self, appointment_id: str) -> None:
        await let_lapse(self._booking, appointment_id)

    async def work(self) -> None:
        """Expires what is due, and publishes what calls have said."""
        await sweep_job(self._system.runtimes[BOOKING].units).work()
        await self._system.unsent()

    async def audit(self, doctors: Sequence[str]) -> list[str]:
        return await audit(self._availability, self._booking, doctors)

    async def _pass(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        owner = BOOKING if path.startswith(("/patients", "/appointments")) else AVAILABILITY
        answer = await self._system.http[owner].request(method, f"/internal{path}", json=body, params=query)
        if method == "DELETE" and answer.is_success:
            return Reply(204)
        return Reply(answer.status_code, answer.json())

    async def _with_displaced(self, reply: Reply) -> Reply:
        """Those of the displaced who live, as clients see them."""
        if reply.status >= 400 or not isinstance(reply.body, dict) or "displaced_ids" not in reply.body:
            return reply
        seen = [(await self._pass("GET", f"/appointments/{one}")).body for one in reply.body["displaced_ids"]]
        return Reply(reply.status, {**reply.body, "displaced": [one for one in seen if one["status"] in LIVE]})

    async def _book(self, body: dict[str, Any], key: str | None) -> Reply:
        fields = {"patient_id": body["patient_id"], "confirm": body.get("confirm", True)}
        return await self._on_a_day(BookAppointment, body, body, key, fields)

    async def _act(self, appointment: UUID, verb: str, body: dict[str, Any] | None, key: str | None) -> Reply:
        kind, fields = OF_APPOINTMENTS[verb], {"appointment_id": appointment}
        if kind is not RescheduleAppointment:
            command = self._command(kind, {**(body or {}), **fields}, {**(body or {}), **fields}, key)
            return await self._answer(APPOINTMENT_COMMANDS, command)
        one = (await self._pass("GET", f"/appointments/{appointment}")).body
        where = {"doctor_id": one["doctor_id"], **(body or {})}
        return await self._on_a_day(kind, body, where, key, fields | {"patient_id": one["patient_id"]})

    async def _on_a_day(self, kind: type[ClientCommand], body: Any, where: dict[str, Any], key: str | None, fields: Any) -> Reply:
        """A command that enters at availability. One that was decided is answered from its outcome: its day is unknown by now."""
        command_id = ids.command_id(self._system.clinic_id, PRINCIPAL, kind.__name__, key)
        if stored := await self._stored(command_id):
            return stored
        day = await self._day(where)
        if day.status != 200:
            return day
        return await self._answer(BOOKING_COMMANDS, self._command(kind, body, fields | day.body, key))

    async def _stored(self, command_id: UUID) -> Reply | None:
        asked = {"commands": [{"clinic_id": str(self._system.clinic_id), "command_id": str(command_id)}]}
        found = (await self._system.post(BOOKING, "/commands/look", asked))["outcomes"]
        return _reply(found[0]["answer"]) if found else None

    async def _day(self, where: dict[str, Any]) -> Reply:
        """Doctor and date of what is asked for, and the slot if one is named."""
        if "date" in where:
            return Reply(200, {name: where[name] for name in ("doctor_id", "date")})
        names = ("slot_id",) if "slot_id" in where else ("doctor_id", "starts_at")
        return await self._pass("POST", "/slots/resolve", {name: where[name] for name in names})

    async def _answer(self, topic: Any, command: ClientCommand) -> Reply:
        reply = await self._system.answer(topic, command)
        return _reply(reply.answer.model_dump(mode="json"))

    def _command(self, kind: type[ClientCommand], body: Any, fields: dict[str, Any], key: str | None) -> ClientCommand:
        command, accepted = ids.command_id(self._system.clinic_id, PRINCIPAL, kind.__name__, key), dt.datetime.now(dt.UTC)
        return kind.model_validate({
            "message_id": ids.message_id(command, kind.__name__), "clinic_id": self._system.clinic_id, "command_id": command,
            "correlation_id": f"model-{command.hex}", "actor": PRINCIPAL, "principal": PRINCIPAL, "occurred_at": accepted,
            "body_hash": hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest(),
            "accepted_at": accepted, "decide_by": accepted + dt.timedelta(seconds=DECIDE_WITHIN_SECONDS),
            "reply_partition": 5, **fields,
        })  # fmt: skip


def _reply(answer: dict[str, Any]) -> Reply:
    return Reply(answer["status_code"], answer["result"] or {"code": answer["code"]})
