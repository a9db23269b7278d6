"""Appointments as they are read over HTTP, on SQLAlchemy: one, many by their ids, or a page of those that match a filter."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.domain.appointments import Appointment
from services.booking.models import appointments
from services.booking.repository.appointments import appointment_of_row
from shared.contracts.appointments import Status

_ORDER = (appointments.c.date, appointments.c.slot_number, appointments.c.id)


@dataclass(frozen=True)
class AppointmentFilter:
    """Which appointments a list shows; what is not set is not asked for. The page begins behind `after`."""

    patient_ids: Collection[UUID] | None = None
    doctor_id: UUID | None = None
    date: dt.date | None = None
    first: dt.date | None = None
    """Of this date or later."""
    status: Status | None = None
    after: tuple[dt.date, int, UUID] | None = None
    """Date, slot number and id of the last appointment of the page before."""


async def get(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> Appointment | None:
    """One appointment, if it is there for this clinic."""
    query = select(appointments).where(appointments.c.clinic_id == clinic_id, appointments.c.id == id_)
    row = (await sql.execute(query)).mappings().one_or_none()
    return None if row is None else appointment_of_row(row)


async def by_ids(sql: AsyncConnection, clinic_id: UUID, ids: Collection[UUID]) -> list[Appointment]:
    """Those of the appointments that are there for this clinic, in order of date, number and id."""
    query = select(appointments).where(appointments.c.clinic_id == clinic_id, appointments.c.id.in_(ids))
    return [appointment_of_row(row) for row in (await sql.execute(query.order_by(*_ORDER))).mappings()]


async def find(sql: AsyncConnection, clinic_id: UUID, wanted: AppointmentFilter, limit: int, now: datetime) -> list[Appointment]:
    """At most `limit` appointments in order of date, number and id."""
    rows = await sql.execute(page_of(clinic_id, wanted, limit, now))
    return [appointment_of_row(row) for row in rows.mappings()]


def page_of(clinic_id: UUID, wanted: AppointmentFilter, limit: int, now: datetime) -> Select[Any]:
    """The statement of a page."""
    table = appointments.c
    query = select(appointments).where(table.clinic_id == clinic_id)
    if wanted.patient_ids is not None:
        query = query.where(table.patient_id.in_(wanted.patient_ids))
    if wanted.status is not None:
        query = query.where(_has_status(wanted.status, now))
    for column in (table.doctor_id, table.date):
        value = getattr(wanted, column.name)
        query = query if value is None else query.where(column == value)
    if wanted.first is not None:
        query = query.where(table.date >= wanted.first)
    if wanted.after is not None:
        query = query.where(tuple_(*_ORDER) > wanted.after)
    return query.order_by(*_ORDER).limit(limit)


def _has_status(status: Status, now: datetime) -> ColumnElement[bool]:
    """As `Appointment.status_at`: a hold past its `expires_at` is expired, also before the sweep has written that."""
    table = appointments.c
    if status is Status.PENDING:
        return and_(table.status == status, table.expires_at > now)
    if status is Status.EXPIRED:
        return or_(table.status == status, and_(table.status == Status.PENDING, table.expires_at <= now))
    return table.status == status
