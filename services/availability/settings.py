"""The environment of the availability process: what every service has, and how long booking has to acknowledge a reservation."""

from pydantic import Field

from shared.infra.settings import ServiceSettings

QUESTION_AFTER_SECONDS = 60.0


class Settings(ServiceSettings):
    """Settings of an availability process."""

    question_after_seconds: float = Field(default=QUESTION_AFTER_SECONDS, gt=0)
    """A reservation that booking has not acknowledged for so long is asked about, and again after the same time."""
