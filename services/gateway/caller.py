"""Who asks and for which clinic. While access is open everybody does, for the clinic `default`."""

from dataclasses import dataclass
from uuid import UUID

OPEN = "open"
"""The one principal of open access."""


@dataclass(frozen=True)
class Caller:
    """The clinic that a request acts for and who acts; `correlation_id` and `traceparent` are the request's."""

    clinic_id: UUID
    actor: str
    principal: str
    correlation_id: str
    traceparent: str | None = None

    def headers(self, command_id: UUID | None = None) -> dict[str, str]:
        """What an internal call on behalf of this caller says."""
        said = {
            "Frontdesk-Clinic": str(self.clinic_id),
            "Frontdesk-Actor": self.actor,
            "Frontdesk-Principal": self.principal,
            "Request-Id": self.correlation_id,
        }
        if self.traceparent:
            said["traceparent"] = self.traceparent
        return said if command_id is None else {**said, "Frontdesk-Command-Id": str(command_id)}
