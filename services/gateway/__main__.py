"""Runs one gateway process: `python -m services.gateway`. A setting that is missing, unknown or not valid ends it at once."""

from services.gateway.app import NAME, create_app
from services.gateway.settings import Settings
from shared.infra.logging import configure_logging
from shared.infra.runtime import serve
from shared.infra.settings import Environment


def main() -> None:
    """Reads the environment and serves until the process is asked to stop."""
    settings = Settings.from_environment()
    configure_logging(NAME, settings.instance, settings.log_level, sql=settings.environment != Environment.PRODUCTION)
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
