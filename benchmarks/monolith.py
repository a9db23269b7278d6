"""What a booking is compared with: the same API as one FastAPI application on one PostgreSQL, as a competent team writes it.

SQLAlchemy's ORM on asyncpg, one transaction a booking, a conditional update that cannot take a place twice, a unique idempotency
key with the answer beside it. No Kafka, no other service, no row level security, no audit, nothing that is said to anybody.
Two workers, uvloop and httptools, no access log. Started by `stack.py`, whose environment says where.
"""

import datetime as dt
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL, PORT = "MONOLITH_URL", "MONOLITH_PORT"
WORKERS = 2
POOL_SIZE = 16
"""Connections of one worker."""
CAPACITY = 10
CREATED = 201


class Base(DeclarativeBase):
    """The monolith's tables."""

    type_annotation_map = {dict[str, Any]: JSONB}  # noqa: RUF012 - as SQLAlchemy declares it


class Doctor(Base):
    """Whom one books."""

    __tablename__ = "doctors"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Patient(Base):
    """Who books."""

    __tablename__ = "patients"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Day(Base):
    """A doctor's day, made by its first booking."""

    __tablename__ = "days"
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey(Doctor.id), primary_key=True)
    date: Mapped[dt.date] = mapped_column(primary_key=True)


class Slot(Base):
    """A place of a day."""

    __tablename__ = "slots"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    doctor_id: Mapped[UUID] = mapped_column(ForeignKey(Doctor.id))
    date: Mapped[dt.date]
    number: Mapped[int]
    taken: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        UniqueConstraint("doctor_id", "date", "number"),
        Index("slots_free", "doctor_id", "date", "number", postgresql_where=~taken),
    )


class Appointment(Base):
    """A booking: a place has one."""

    __tablename__ = "appointments"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey(Slot.id), unique=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey(Patient.id), index=True)
    status: Mapped[str] = mapped_column(default="booked")
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Answered(Base):
    """The answer to an idempotency key."""

    __tablename__ = "answered"
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[str]
    answer: Mapped[dict[str, Any]]


class BookingIn(BaseModel):
    """A booking as it is asked for."""

    doctor_id: UUID
    patient_id: UUID
    date: dt.date


class AppointmentOut(BaseModel):
    """A booking as it is answered."""

    id: UUID
    doctor_id: UUID
    patient_id: UUID
    date: dt.date
    slot: int
    status: str


def create_app() -> FastAPI:
    """The application of one worker."""
    engine = create_async_engine(os.environ[URL], pool_size=POOL_SIZE, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/health/ready")
    async def ready() -> None:
        async with sessions() as session:
            await session.execute(select(1))

    @app.post("/api/v1/appointments", status_code=CREATED)
    async def create_appointment(
        booking: BookingIn, response: Response, idempotency_key: Annotated[str | None, Header()] = None
    ) -> AppointmentOut:
        key = idempotency_key or uuid4().hex
        try:
            async with sessions.begin() as session:
                answer, replayed = await book(session, booking, key)
        except IntegrityError:  # the same key came twice at once
            async with sessions.begin() as session:
                answer, replayed = await book(session, booking, key)
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return answer

    return app


async def book(session: AsyncSession, booking: BookingIn, key: str) -> tuple[AppointmentOut, bool]:
    """Books the lowest free place of a day, once for each key."""
    body_hash = hashlib.sha256(booking.model_dump_json().encode()).hexdigest()
    if stored := await session.get(Answered, key):
        if stored.body_hash != body_hash:
            raise HTTPException(422, "key_reused")
        return AppointmentOut.model_validate(stored.answer), True
    if not await session.get(Doctor, booking.doctor_id):
        raise HTTPException(404, "unknown_doctor")
    if not await session.get(Patient, booking.patient_id):
        raise HTTPException(404, "unknown_patient")
    slot = await take(session, booking)
    if slot is None:
        await make_day(session, booking)
        slot = await take(session, booking)
    if slot is None:
        raise HTTPException(409, "full")
    appointment = Appointment(id=uuid4(), slot_id=slot[0], patient_id=booking.patient_id, status="booked")
    answer = AppointmentOut(id=appointment.id, slot=slot[1], status=appointment.status, **booking.model_dump())
    session.add(appointment)
    session.add(Answered(key=key, body_hash=body_hash, answer=answer.model_dump(mode="json")))
    return answer, False


async def take(session: AsyncSession, booking: BookingIn) -> tuple[UUID, int] | None:
    """Takes the lowest free place that nobody else is just taking."""
    free = (
        select(Slot.id).where(Slot.doctor_id == booking.doctor_id, Slot.date == booking.date, ~Slot.taken)
        .order_by(Slot.number).limit(1).with_for_update(skip_locked=True)
    )  # fmt: skip
    taking = update(Slot).where(Slot.id == free.scalar_subquery()).values(taken=True).returning(Slot.id, Slot.number)
    row = (await session.execute(taking, execution_options={"synchronize_session": False})).one_or_none()
    return None if row is None else (row.id, row.number)


async def make_day(session: AsyncSession, booking: BookingIn) -> None:
    """Makes a day with its places, if there is none; waits for somebody who is just making it."""
    day = {"doctor_id": booking.doctor_id, "date": booking.date}
    made = await session.execute(upsert(Day).values(day).on_conflict_do_nothing().returning(Day.date))
    if made.one_or_none() is not None:
        await session.execute(insert(Slot), [{**day, "number": number} for number in range(1, CAPACITY + 1)])


async def prepare(url: str, doctors: list[str], patients: list[str]) -> None:
    """The tables, and the doctors and patients of the benchmark."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for table, ids in ((Doctor, doctors), (Patient, patients)):
            await connection.execute(insert(table), [{"id": UUID(one), "name": "Benchmark"} for one in ids])
    await engine.dispose()


def main() -> None:
    """Serves until it is told to stop."""
    uvicorn.run(
        "benchmarks.monolith:create_app", factory=True, workers=WORKERS, host="127.0.0.1", port=int(os.environ[PORT]),
        loop="uvloop", http="httptools", access_log=False, log_level="warning", timeout_keep_alive=30,
    )  # fmt: skip


if __name__ == "__main__":
    main()
