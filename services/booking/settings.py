"""What booking needs of its environment beside what every service needs."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.infra.settings import ServiceSettings


class Settings(ServiceSettings):
    """`FRONTDESK_IDENTIFIER_KEY` (or `…_FILE`) keys the blind indexes: with another key, no patient is found by phone."""

    # A setting that fails to parse must not print the others, which hold secrets.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    identifier_key: SecretStr = Field(min_length=16)
