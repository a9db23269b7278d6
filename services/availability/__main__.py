"""Runs one availability process: `python -m services.availability`. Its settings are its environment."""

from services.availability.app import NAME, create_app
from services.availability.settings import Settings
from shared.infra.run_service import run_service

if __name__ == "__main__":
    run_service(NAME, Settings, create_app)
