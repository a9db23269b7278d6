"""Who calls over internal HTTP, and for which clinic: what the gateway says in its headers."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

_Name = Annotated[str, Header(max_length=64)]


@dataclass(frozen=True)
class Caller:
    """The clinic that a call acts for, who acts, and the command that it repeats under, if its client gave a key."""

    clinic_id: UUID
    actor: str
    principal: str
    command_id: UUID | None
    correlation_id: str
    if_match: str | None = None
    """The client's `If-Match`, of a change of what it has read."""


def _caller(
    request: Request,
    frontdesk_clinic: Annotated[UUID, Header()],
    frontdesk_actor: _Name = "system",
    frontdesk_principal: _Name = "system",
    frontdesk_command_id: Annotated[UUID | None, Header()] = None,
    if_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Caller:
    ids = (frontdesk_actor, frontdesk_principal, frontdesk_command_id, request.state.correlation_id)
    return Caller(frontdesk_clinic, *ids, if_match)


ByCaller = Annotated[Caller, Depends(_caller)]
"""Of every route that acts for a clinic."""
