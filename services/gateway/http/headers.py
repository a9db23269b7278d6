"""The request headers that steer a request: how long to wait (`Prefer`), by which key to know a repeat (`Idempotency-Key`), and
which version is to be changed (`If-Match`).

Used by whatever reads requests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from shared.contracts.problems import Code, FieldError
from shared.infra.forms import read_json
from shared.infra.problems import ProblemError

DEFAULT_WAIT_SECONDS = 5
MAX_WAIT_SECONDS = 30

IF_MATCH = "If-Match"
IDEMPOTENCY_KEY = "Idempotency-Key"
KEY_PATTERN = r"^[\x20-\x7e]{1,255}$"
KEY_REASON = "must be 1 to 255 printable ASCII characters"

_IF_MATCH = re.compile(r'\*|(W/)?"[\x21\x23-\x7e]*"(\s*,\s*(W/)?"[\x21\x23-\x7e]*")*', re.ASCII)
_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,1000})\"?", re.ASCII)
_KNOWN = re.compile(r"(wait|respond-async)\s*(=|$)", re.IGNORECASE)
_KEY = re.compile(KEY_PATTERN)


@dataclass(frozen=True)
class Preference:
    """How long the client waits; `applied` is what `Preference-Applied` says, None if the client sent no preference."""

    wait_seconds: int = DEFAULT_WAIT_SECONDS
    applied: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header of the answer."""
        return {"Preference-Applied": self.applied} if self.applied else {}


def preference(values: Sequence[str]) -> Preference:
    """What the `Prefer` headers ask for. Preferences that are unknown are ignored; `wait` without seconds is `invalid_header`."""
    asked = [part.split(";")[0].strip() for value in values for part in value.split(",")]
    ours = [part for part in asked if _KNOWN.match(part)]
    result = Preference()
    for part in reversed(ours):  # of one that is named twice the first counts
        result = _one(part)
    if any(part.lower() == "respond-async" for part in ours):
        return Preference(0, "respond-async")
    return result


def _one(part: str) -> Preference:
    if part.lower() == "respond-async":
        return Preference(0, "respond-async")
    match = _WAIT.fullmatch(part.lower())
    if match is None:
        raise ProblemError(Code.INVALID_HEADER, "Prefer: wait=N takes seconds", errors=[_error("Prefer", "must be wait=N")])
    seconds = min(int(match[1]), MAX_WAIT_SECONDS)
    return Preference(seconds, f"wait={seconds}")


def key_errors(values: Sequence[str]) -> list[FieldError]:
    """What is wrong with the `Idempotency-Key` headers."""
    if len(values) > 1:
        return [_error(IDEMPOTENCY_KEY, "must be sent once")]
    return [] if not values or _KEY.fullmatch(values[0]) else [_error(IDEMPOTENCY_KEY, KEY_REASON)]


async def check_if_match(request: Request) -> None:
    """Raises `validation_failed` if there is an `If-Match` that is none (RFC 9110); which version it names, the owner judges.

    An `ETag` without its quotes would be the wrong version whatever it says, and 412 would send its client to read again in vain.
    """
    values = request.headers.getlist(IF_MATCH)
    if values and not _IF_MATCH.fullmatch(", ".join(values).strip()):
        if await request.body():
            await read_json(request)  # a body that is no JSON is refused first, as everywhere
        reason = 'must be an ETag as it was answered, with its quotes: "v1"; or *'
        raise ProblemError(Code.VALIDATION_FAILED, errors=[_error(IF_MATCH, reason)])


def _error(field: str, reason: str) -> FieldError:
    return FieldError(field=field, reason=reason)
