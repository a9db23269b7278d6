"""Booking's internal HTTP as tests of patients call it."""

import itertools
from uuid import UUID

from httpx2 import AsyncClient, Response

from shared.contracts import internal

_numbers = itertools.count()


async def registered(client: AsyncClient) -> UUID:
    """Somebody with a phone of their own."""
    body = {"name": "Ada Lovelace", "phone": f"020 7946 {next(_numbers):04}"}
    return UUID((await client.post("/internal/patients", json=body)).json()["id"])


async def delete(client: AsyncClient, patient: UUID, *, cancelling: bool = False, if_match: str | None = None) -> Response:
    """Deletes a patient."""
    params = {"cancel_appointments": "true"} if cancelling else {}
    headers = {"If-Match": if_match} if if_match else {}
    return await client.delete(f"/internal/patients/{patient}", params=params, headers=headers)


async def merge(client: AsyncClient, patient: UUID, into: object, key: UUID | None = None) -> Response:
    """Merges a patient into another."""
    headers = {} if key is None else {internal.COMMAND_ID: str(key)}
    return await client.post(f"/internal/patients/{patient}/merge", json={"into": str(into)}, headers=headers)


def refusal(answer: Response) -> tuple[int, str, set[str]]:
    """A problem's status and code, and the appointments that stand against what was asked."""
    return answer.status_code, answer.json()["code"], set(answer.json().get("appointments", ()))
