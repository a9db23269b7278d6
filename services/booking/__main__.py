"""Runs one booking process: `python -m services.booking`. Its settings are its environment."""

from services.booking.app import NAME, create_app
from services.booking.settings import Settings
from shared.infra.logging import configure_logging
from shared.infra.runtime import serve


def main() -> None:
    """Reads the environment, and serves until the process is asked to stop."""
    settings = Settings.from_environment()
    configure_logging(NAME, settings.instance, settings.log_level)
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
