"""Who asks and for which clinic. While access is open everybody does, for the clinic `default`."""

from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts import internal

OPEN = "open"
"""The one principal of open access."""


@dataclass(frozen=True)
class ApiCaller:
    """The clinic that a request acts for and who acts; `passed_on` are the headers that tie internal calls to the request."""

    clinic_id: UUID
    actor: str
    principal: str
    correlation_id: str
    passed_on: dict[str, str] = field(default_factory=dict)

    @property
    def command_id(self) -> None:
        """Of what a request does at the gateway itself nothing is repeated under a key."""
        return None

    def headers(self, command_id: UUID | None = None) -> dict[str, str]:
        """What an internal call on behalf of this caller says."""
        return internal.headers(self.clinic_id, self.actor, self.principal, command_id) | self.passed_on
