"""What the gateway needs of its environment beside what every service needs, and where open access is refused."""

import ipaddress
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.infra.settings import Environment, Section, ServiceSettings


class AccessSettings(Section):
    """Who may ask. `open`: everybody, for the clinic `default`; only where nobody else can reach the port."""

    mode: Literal["open"] = "open"
    """Only `open` so far: everybody acts for the clinic `default`."""
    open_beyond_loopback: bool = False
    """For a container whose port is published on the loopback address of its host."""


class OwnerSettings(Section):
    """Where a service's internal HTTP is."""

    url: str = Field(pattern=r"^https?://[^/]+$")
    """Base URL of the service's internal HTTP: scheme, host and port."""


class Settings(ServiceSettings):
    """`FRONTDESK_TICKET_KEY` (or `…_FILE`) signs tickets: all gateways of an installation share it."""

    ticket_key: SecretStr = Field(min_length=16)
    """Signs the tickets of undecided commands; at least 16 characters, the same for all gateways."""
    availability: OwnerSettings
    booking: OwnerSettings
    queue: OwnerSettings
    access: AccessSettings = AccessSettings()

    @model_validator(mode="after")
    def refuse_open_access(self) -> Self:
        """Open access in production or on an address that others reach would give every patient to everybody."""
        if self.environment == Environment.PRODUCTION:
            raise ValueError("open access is refused in production")
        if not (self.access.open_beyond_loopback or is_loopback(self.http.host)):
            raise ValueError("open access is for loopback only: set FRONTDESK_HTTP__HOST to 127.0.0.1")
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
