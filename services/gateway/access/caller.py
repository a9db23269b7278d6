"""Who asks and for which clinic. While access is open everybody does, for the clinic `default`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

OPEN = "open"
"""The one principal of open access."""


@dataclass(frozen=True)
class Caller:
    """The clinic that a request acts for and who acts; `passed_on` are the headers that tie internal calls to the request."""

    clinic_id: UUID
    actor: str
    principal: str
    correlation_id: str
    passed_on: Mapping[str, str] = field(default_factory=dict)

    @property
    def command_id(self) -> None:
        """Of what a request does at the gateway itself nothing is repeated under a key."""
        return None

    def headers(self, command_id: UUID | None = None) -> dict[str, str]:
        """What an internal call on behalf of this caller says."""
        said = {
            "Frontdesk-Clinic": str(self.clinic_id),
            "Frontdesk-Actor": self.actor,
            "Frontdesk-Principal": self.principal,
            **self.passed_on,
        }
        return said if command_id is None else {**said, "Frontdesk-Command-Id": str(command_id)}
