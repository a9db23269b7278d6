"""Runs one gateway process: `python -m services.gateway`. Its settings are its environment."""

from services.gateway.app import NAME, create_app
from services.gateway.settings import Settings
from shared.infra.run_service import run_service

if __name__ == "__main__":
    run_service(NAME, Settings, create_app)
