"""The versions whose processes may run beside each other while a system is upgraded: the one before, and the present one."""

from enum import StrEnum


class Version(StrEnum):
    """A new release is `PRESENT`, and this one `BEFORE` then: what was done for the old one alone can go."""

    BEFORE = "0.1.0"
    PRESENT = "0.2.0"
