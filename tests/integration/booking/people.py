"""People who are registered, and the calls of the registry about them, as the gateway makes them."""

from typing import Any

import orjson
from httpx2 import AsyncClient, Response

from shared.contracts import internal
from tests.integration.booking.booking import Booking

ADA = {"name": "Ada Lovelace", "phone": "020 7946 0018", "date_of_birth": "1990-12-10"}
BYRON = {"name": "Byron King", "phone": "020 7946 0019"}
NUMBER, OTHER_NUMBER = "943 476 5919", "401 023 2137"
IN_FULL = {
    **ADA, "email": "Ada@Example.COM", "nhs_number": "943-476-5919", "postcode": "sw1a1aa", "address": "12 St James's Square",
}  # fmt: skip


async def register(client: AsyncClient, body: dict[str, Any] | bytes, key: object = None, **query: str) -> Response:
    headers = {} if key is None else {internal.COMMAND_ID: str(key)}
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await client.post("/internal/patients", content=content, headers=headers, params=query)


async def registered(client: AsyncClient, body: dict[str, Any], **query: str) -> str:
    """The id of somebody new."""
    made = await register(client, body, **query)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def change(client: AsyncClient, patient: str, body: object, if_match: str | None = None, **query: str) -> Response:
    headers = {"If-Match": if_match} if if_match else {}
    return await client.patch(f"/internal/patients/{patient}", json=body, headers=headers, params=query)


def refusal(answer: Response) -> tuple[int, str, list[str]]:
    """The status and code of a refusal, and the patients that it names."""
    return answer.status_code, answer.json()["code"], answer.json().get("candidates", [])


def bad_fields(answer: Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["field"] for error in answer.json()["errors"]}


async def count(booking: Booking, table: str = "patients") -> int:
    async with booking.database.batch({booking.clinic}) as (connection, _):
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return found
