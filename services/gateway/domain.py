"""The gateway's rules without I/O: how long a client wants to wait, which key it gave, what a ticket proves."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

DEFAULT_WAIT_SECONDS = 5
MAX_WAIT_SECONDS = 30
MAX_KEY_CHARACTERS = 255

_PREFERENCE = re.compile(r"\s*([A-Za-z-]+)\s*(?:=\s*\"?([^\"]*)\"?)?\s*")


class BadPreference(ValueError):
    """A `Prefer` header that cannot be read."""


@dataclass(frozen=True)
class Wait:
    """How long to wait for the outcome, and what to tell the client of its preference (RFC 7240)."""

    seconds: float
    applied: str | None = None


def wait_of(prefer: str | None) -> Wait:
    """Reads `Prefer: wait=N` (cut to 30) and `Prefer: respond-async`. Raises `BadPreference`."""
    wait = Wait(DEFAULT_WAIT_SECONDS)
    for part in (prefer or "").split(","):
        if not part.strip():
            continue
        match = _PREFERENCE.fullmatch(part.split(";")[0])
        if match is None:
            raise BadPreference
        name, value = match.group(1).lower(), match.group(2)
        if name == "respond-async":
            return Wait(0, "respond-async")
        if name == "wait":
            seconds = min(_whole_number(value), MAX_WAIT_SECONDS)
            wait = Wait(seconds, f"wait={seconds}")
    return wait


def _whole_number(value: str | None) -> int:
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 9:
        raise BadPreference
    return int(value)


def is_key(key: str) -> bool:
    """Whether an idempotency key can be taken: 1 to 255 printable ASCII characters."""
    return 0 < len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()


@dataclass(frozen=True)
class Ticket:
    """What a gateway promises about an undecided command; signed, so that any other gateway believes it."""

    clinic_id: UUID
    command_id: UUID
    type: str
    principal: str
    accepted_at: datetime
    decide_by: datetime

    def sign(self, key: bytes) -> str:
        """The ticket as it stands in a URL: its content, and an HMAC-SHA256 over it."""
        content = base64.urlsafe_b64encode(json.dumps(self._fields(), separators=(",", ":")).encode()).rstrip(b"=")
        return f"{content.decode()}.{_signature(content, key)}"

    def _fields(self) -> list[str]:
        ids = [str(self.clinic_id), str(self.command_id)]
        return [*ids, self.type, self.principal, self.accepted_at.isoformat(), self.decide_by.isoformat()]


def read_ticket(text: str, key: bytes) -> Ticket | None:
    """The ticket that was signed with `key`, or None for anything else."""
    content, _, signature = text.partition(".")
    if not text.isascii() or not hmac.compare_digest(_signature(content.encode(), key), signature):
        return None
    clinic, command, type_, principal, accepted, decide = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    return Ticket(UUID(clinic), UUID(command), type_, principal, datetime.fromisoformat(accepted), datetime.fromisoformat(decide))


def _signature(content: bytes, key: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()
