"""What booking needs of its environment beside what every service needs."""

from pydantic import Field, SecretStr

from shared.infra.settings import ServiceSettings


class Settings(ServiceSettings):
    """`FRONTDESK_IDENTIFIER_KEY` (or `…_FILE`) keys the blind indexes: with another key, no patient is found by phone."""

    identifier_key: SecretStr = Field(min_length=16)
    """Keys the blind indexes of phones; at least 16 characters, never changed once patients are there."""
    sweep_holds: bool = True
    """Whether this process ends holds whose time is over, twice a second. One process that does is enough for all clinics."""
