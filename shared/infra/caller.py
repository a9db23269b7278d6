"""Who calls over internal HTTP, and for which clinic: what the gateway says in its headers."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from shared.contracts import internal
from shared.infra.budget import Budget


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
    budget: Budget | None = None
    """How long the caller waits; without one, whatever it takes."""


def _caller(
    request: Request,
    frontdesk_clinic: Annotated[UUID, Header(alias=internal.CLINIC)],
    frontdesk_actor: Annotated[str, Header(alias=internal.ACTOR, max_length=64)] = "system",
    frontdesk_principal: Annotated[str, Header(alias=internal.PRINCIPAL, max_length=64)] = "system",
    frontdesk_command_id: Annotated[UUID | None, Header(alias=internal.COMMAND_ID)] = None,
    if_match: Annotated[str | None, Header(max_length=1000)] = None,
    frontdesk_budget_ms: Annotated[int | None, Header(alias=internal.BUDGET, ge=1)] = None,
) -> Caller:
    """Not named as the headers' contents: a path may have a parameter of that name."""
    ids = (frontdesk_actor, frontdesk_principal, frontdesk_command_id, request.state.correlation_id)
    budget = None if frontdesk_budget_ms is None else Budget.of(frontdesk_budget_ms)
    return Caller(frontdesk_clinic, *ids, if_match, budget)


ByCaller = Annotated[Caller, Depends(_caller)]
"""Of every route that acts for a clinic."""
