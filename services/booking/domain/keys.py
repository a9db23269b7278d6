"""What names a row of booking."""

from uuid import UUID

RowKey = tuple[UUID, UUID]
"""Clinic and id: the primary key of patients and of appointments."""
