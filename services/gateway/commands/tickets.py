"""Tickets: what a client shows to be told that its undecided command is still running. No store knows such a command yet.

All gateways share the key, so any of them can check a ticket of another. Pure; called by `answers.py` and the commands' route.
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
    """What the ticket vouches for."""

    clinic_id: UUID
    command_id: UUID
    type: str
    principal: str
    body_hash: str | None = None
    """Without it, as tickets of an earlier version are, a command cannot be closed."""
    accepted_at: datetime
    decide_by: datetime


class Tickets:
    """Writes and reads tickets with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, ticket: Ticket) -> str:
        """The ticket as text that may stand in a URL."""
        payload = base64.urlsafe_b64encode(ticket.model_dump_json().encode()).rstrip(b"=")
        return f"{payload.decode()}.{self._signature(payload)}"

    def read(self, text: str) -> Ticket | None:
        """The ticket, if it is one of ours and unchanged."""
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
