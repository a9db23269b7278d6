"""Runs the process: `python -m services.availability`."""

from services.availability.app import NAME, create_app
from services.availability.settings import Settings
from shared.infra.logging import configure_logging
from shared.infra.runtime import serve


def main() -> None:
    settings = Settings.from_environment()
    configure_logging(NAME, settings.instance, settings.log_level)
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
