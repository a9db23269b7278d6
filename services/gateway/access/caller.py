"""Who a request of the API acts as: a value that commands and internal calls carry. `open_access.py` makes it."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class ApiCaller:
    """The clinic that a request acts for and who acts; `passed_on` are headers of the request that internal calls repeat."""

    clinic_id: UUID
    actor: str
    principal: str
    correlation_id: str
    passed_on: dict[str, str] = field(default_factory=dict)

    @property
    def command_id(self) -> None:
        """None: what a request changes at the gateway itself is not repeated under a key."""
        return None
