"""Runs one queue process: `python -m services.queue`. Its settings are its environment."""

from services.queue.app import NAME, create_app
from services.queue.settings import Settings
from shared.infra.run_service import run_service

if __name__ == "__main__":
    run_service(NAME, Settings, create_app)
