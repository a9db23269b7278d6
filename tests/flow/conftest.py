"""The services in this process, and a client of their gateway; each test has a clinic of its own."""

from tests.support.fixtures import clinic_in_process as clinic
from tests.support.fixtures import in_process

__all__ = ["clinic", "in_process"]
