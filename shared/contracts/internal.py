"""Internal HTTP: where its paths begin, and the headers of a call: for which clinic it acts, who acts, which command it repeats.

Written by the gateway and by imports, read by the owners of data (`shared/infra/caller.py`). An answer has one, which the gateway
passes on to its client.
"""

from uuid import UUID

ROOT = "/internal"
"""Of every path that an owner of data serves."""
CLINIC = "Frontdesk-Clinic"
"""The id of the clinic, a UUID. Every call that touches a clinic's data has it."""
ACTOR = "Frontdesk-Actor"
"""Who acts, at most 64 characters: goes into messages and audit rows."""
PRINCIPAL = "Frontdesk-Principal"
"""Whose idempotency keys these are, at most 64 characters."""
COMMAND_ID = "Frontdesk-Command-Id"
"""The id that a client's idempotency key makes, a UUID: a repeat is answered as the first call was."""
BUDGET = "Frontdesk-Budget-Ms"
"""How many milliseconds the owner has for a call: its caller gives up soon after. What is not done by then is not done at all."""
REPLAYED = "Idempotent-Replayed"
"""Of an answer: `true` if it was stored for an earlier request with the same key."""


def headers(clinic_id: UUID, actor: str, principal: str, command_id: UUID | None = None) -> dict[str, str]:
    """What an internal call says."""
    said = {CLINIC: str(clinic_id), ACTOR: actor, PRINCIPAL: principal}
    return said if command_id is None else {**said, COMMAND_ID: str(command_id)}
