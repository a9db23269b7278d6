"""What the gateway needs of its environment beside what every service needs, and where open access is refused."""

import ipaddress
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.infra.settings import Environment, Section, ServiceSettings


class AccessSettings(Section):
    """Who may ask. `open`: everybody, for the clinic `default`; only where nobody else can reach the port."""

    mode: Literal["open"] = "open"
    open_beyond_loopback: bool = False
    """For a container whose port is published on the loopback address of its host."""


class OwnerSettings(BaseModel):
    """Where a service's internal HTTP is."""

    url: str = Field(pattern=r"^https?://[^/]+$")


class Settings(ServiceSettings):
    """`FRONTDESK_TICKET_KEY` (or `…_FILE`) signs tickets: all gateways of an installation share it."""

    # A setting that fails to parse must not print the others, which hold secrets.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    ticket_key: SecretStr = Field(min_length=16)
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
