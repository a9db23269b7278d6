"""Runs one booking process: `python -m services.booking`. Its settings are its environment."""

from services.booking.app import NAME, create_app
from services.booking.settings import Settings
from shared.infra.run_service import run_service

if __name__ == "__main__":
    run_service(NAME, Settings, create_app)
