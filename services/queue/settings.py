"""The environment of a queue process: what every service has, nothing of its own yet."""

from shared.infra.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of a queue process."""
