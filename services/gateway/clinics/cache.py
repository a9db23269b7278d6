"""The default clinic's settings as this process knows them, read again every two seconds: other gateways change them too.

Made by `app.py`; read by whatever needs the clinic's id or its settings.
"""

from typing import Self

from services.gateway.repository.clinics import Clinic, clinic_by_code
from shared.infra.postgres import Database

DEFAULT_CLINIC = "default"
"""The code of the clinic that open access acts for; the first migration made it."""
REFRESH_SECONDS = 2.0


class ClinicCache:
    """The newest version of the default clinic that this process has read or written."""

    def __init__(self, database: Database, clinic: Clinic) -> None:
        self._database = database
        self.clinic = clinic

    @classmethod
    async def load(cls, database: Database) -> Self:
        """Reads the clinic for the first time. Raises `LookupError` if there is none."""
        return cls(database, await _default_clinic(database))

    async def refresh(self) -> Clinic:
        """Reads the clinic again."""
        self.update(await _default_clinic(self._database))
        return self.clinic

    def update(self, clinic: Clinic) -> None:
        """Takes over a clinic that was read or written, unless it is older."""
        if clinic.version >= self.clinic.version:
            self.clinic = clinic


async def _default_clinic(database: Database) -> Clinic:
    clinic = await clinic_by_code(database.hot, DEFAULT_CLINIC)
    if clinic is None:
        raise LookupError(f"there is no clinic of code {DEFAULT_CLINIC!r}")
    return clinic
