"""The environment of the availability process: what every service has, and nothing of its own so far."""

from shared.infra.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of an availability process."""
