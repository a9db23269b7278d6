"""The machine's wire to the running system: plain HTTP, through both gateways in turn. Time passes in booking's database."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx2

from tests.model.audit import audit
from tests.model.office import Reply
from tests.support.clinic import Clinic

LAPSE = "UPDATE appointments SET expires_at = clock_timestamp() WHERE id = $1 AND status = 'pending'"
RING = "UPDATE hold_timers SET due_at = clock_timestamp() WHERE appointment_id = $1"


async def let_lapse(booking: Any, appointment_id: str) -> None:
    """The time of a hold is over, on the database's clock."""
    async with booking.transaction():
        assert await booking.execute(LAPSE, UUID(appointment_id)) == "UPDATE 1"
        await booking.execute(RING, UUID(appointment_id))


class OverHttp:
    """Requests as an app sends them."""

    def __init__(self, clinic: Clinic, availability: Any, booking: Any) -> None:
        self._clinic = clinic
        self._availability = availability
        self._booking = booking

    async def call(self, method: str, path: str, body: Any = None, key: str | None = None, **query: Any) -> Reply:
        answer = await self._ask(method, path, body, key, query)
        return Reply(answer.status_code, answer.json() if answer.content else None)

    async def lapse(self, appointment_id: str) -> None:
        await let_lapse(self._booking, appointment_id)

    async def work(self) -> None:
        """The system's own jobs do it."""

    async def audit(self, doctors: Sequence[str]) -> list[str]:
        return await audit(self._availability, self._booking, doctors)

    async def _ask(self, method: str, path: str, body: Any, key: str | None, query: dict[str, Any]) -> httpx2.Response:
        if method == "POST":
            return await self._clinic.post(path, body, key)
        if method == "PUT":
            return await self._clinic.put(path, body)
        if method == "DELETE":
            return await self._clinic.delete(path, cancel_appointments=bool(query))
        return await self._clinic.get(path, **query)
