"""The audit rows of an appointment, with the notes of their commands. Read over HTTP; each unit of work writes its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import audit, notes


@dataclass(frozen=True)
class AuditedChange:
    """One audit row of an appointment; the note is sealed."""

    action: str
    at: datetime
    actor: str
    detail: dict[str, Any]
    command_id: UUID | None
    note: bytes | None


async def of_appointment(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> list[AuditedChange]:
    """The changes of an appointment, in order of time."""
    theirs = and_(
        notes.c.clinic_id == audit.c.clinic_id,
        notes.c.command_id == audit.c.command_id,
        notes.c.appointment_id == audit.c.subject_id,
    )
    read = (audit.c.action, audit.c.at, audit.c.actor, audit.c.detail, audit.c.command_id, notes.c.note)
    query = select(*read).select_from(audit.outerjoin(notes, theirs))
    mine = (audit.c.clinic_id == clinic_id, audit.c.subject_id == id_)
    return [AuditedChange(**row) for row in (await sql.execute(query.where(*mine).order_by(audit.c.at, audit.c.id))).mappings()]
