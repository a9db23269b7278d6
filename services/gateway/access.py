"""For whom a request acts. Access is open so far: everybody acts for the clinic `default`, on loopback only."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

DEFAULT_CLINIC = UUID("00000000-0000-7000-8000-000000000001")


@dataclass(frozen=True)
class Caller:
    """The clinic that a request acts for, who acts, and by which correlation id it is followed."""

    clinic_id: UUID
    actor: str
    principal: str
    correlation_id: str


def _caller(request: Request) -> Caller:
    return Caller(DEFAULT_CLINIC, "open", "open", request.state.correlation_id)


ByCaller = Annotated[Caller, Depends(_caller)]
"""Of every route of the API."""
