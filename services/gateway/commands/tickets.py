"""Tickets: a client shows one to read the status of a command that no service has decided yet, and so no database holds.

All gateways share the key, so each can check the tickets of the others. Pure; used by `http/answers.py` and `command_status.py`.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from shared.contracts.envelope import Wire

MAX_TICKET_CHARACTERS = 1000


class Ticket(Wire):
    """The command that was accepted, and for whom."""

    clinic_id: UUID
    command_id: UUID
    type: str
    principal: str
    body_hash: str | None = None
    """Without it, as tickets of an earlier version are, a command cannot be closed."""
    accepted_at: datetime
    decide_by: datetime


class Tickets:
    """Signs tickets with one key, and reads what is signed with it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, ticket: Ticket) -> str:
        """The ticket as text that may stand in a URL."""
        payload = base64.urlsafe_b64encode(ticket.model_dump_json().encode()).rstrip(b"=")
        return f"{payload.decode()}.{self._signature(payload)}"

    def read(self, text: str) -> Ticket | None:
        """The ticket, if it was signed with this key and is unchanged."""
        payload, _, signature = text.partition(".")
        if len(text) > MAX_TICKET_CHARACTERS or not text.isascii():
            return None
        if not hmac.compare_digest(self._signature(payload.encode()), signature):
            return None
        try:
            return Ticket.model_validate_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, ValidationError):
            return None

    def _signature(self, payload: bytes) -> str:
        return hmac.new(self._key, payload, hashlib.sha256).hexdigest()
