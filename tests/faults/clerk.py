"""What the clinic does in the middle of a load: it closes a date, deletes a doctor with all that is booked, merges two patients.

Each is asked again, of the gateways in turns, until it is done, whatever is killed meanwhile. Used by `load.py`.
"""

import asyncio
import contextlib
import itertools
import time
from typing import Any
from uuid import uuid4

import httpx2

from tests.faults.client import API, END_WITHIN_SECONDS, REPEAT_SECONDS, Client
from tests.support.waiting import eventually

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SLOT_MINUTES = 60
DONE = (200, 201, 204)
ENDED = {"cancelled", "expired"}
NOT_YET = (202, 503)
"""Answers that are no end: appointments are still being cancelled, or a part does not answer."""


class Clerk:
    """Does one thing after so many commands have ended, and tells the client what it may be answered from then on."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._turn = itertools.cycle(client.gateways)

    async def schedule(self, doctor: str) -> None:
        """Gives a doctor hours around the clock."""
        await self._done("PUT", f"/doctors/{doctor}/schedule", {"entries": week()})

    async def slots(self, doctor: str, first: str, last: str) -> list[str]:
        """The open slots of a doctor's dates, once there are any."""

        async def published() -> list[str]:
            found = await self._done("GET", f"/slots?doctor_id={doctor}&from={first}&to={last}&limit=200")
            return [one["id"] for one in found.json()["items"]]

        return await eventually(published)

    async def hold_for(self, seconds: int) -> None:
        """Says how long holds are held from now on."""
        await self._done("PATCH", "/clinic", {"hold_ttl_seconds": seconds})

    async def close(self, doctor: str, date: str, after: int) -> None:
        """Closes a date of a doctor; who is booked stays so."""
        await self._client.after(ended=after)
        self._client.closed.add((doctor, date))
        await self._done("POST", f"/doctors/{doctor}/exceptions", {"kind": "closed", "from": date, "to": date})

    async def delete(self, doctor: str, after: int) -> None:
        """Deletes a doctor whom nobody has seen yet, with all that is booked."""
        await self._client.after(ended=after)
        self._client.gone.add(doctor)
        await self._done("DELETE", f"/doctors/{doctor}?cancel_appointments=true")
        left = await self._done("GET", f"/appointments?doctor_id={doctor}&limit=200")
        assert {one["status"] for one in left.json()["items"]} <= ENDED, "204, and appointments are left"

    async def merge(self, double: str, survivor: str, after: int) -> None:
        """Two patients are one from now on."""
        await self._client.after(ended=after)
        merged = await self._done("POST", f"/patients/{double}/merge", {"into": survivor})
        assert merged.json()["id"] == survivor

    async def _done(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        deadline = time.monotonic() + END_WITHIN_SECONDS
        while True:
            with contextlib.suppress(httpx2.TransportError):
                answer = await next(self._turn).request(method, f"{API}{path}", json=body, headers=headers)
                if answer.status_code in DONE:
                    return answer
                assert answer.status_code in NOT_YET, f"{method} {path}: {answer.text}"
            assert time.monotonic() < deadline, f"{method} {path} is not done"
            await asyncio.sleep(REPEAT_SECONDS)


def week() -> list[dict[str, Any]]:
    """Hours around the clock."""
    return [{"weekday": day, "start": "00:00", "end": "24:00", "slot_minutes": SLOT_MINUTES} for day in WEEK]
