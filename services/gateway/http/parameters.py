"""Query parameters that several routes take."""

from typing import Annotated, Literal

from fastapi import Query

FilterText = Annotated[str | None, Query(min_length=1, max_length=200)]
IdOrName = Annotated[str | None, Query(min_length=1, max_length=200, description="An id or a name")]
CancelAppointments = Annotated[
    Literal["true", "false"], Query(description="Whether live appointments are cancelled; else they are a reason to refuse")
]
"""Of a deletion: `cancel_appointments: CancelAppointments = "false"`."""
