"""Paths of the public API: where its routes begin, and what answers name in `Location`."""

from uuid import UUID

API = "/api/v1"
"""The root of the public API."""


def command_path(command_id: UUID, ticket: str | None) -> str:
    """Where the status of a command is read. One that is decided needs no ticket."""
    return f"{API}/commands/{command_id}" + (f"?ticket={ticket}" if ticket else "")
