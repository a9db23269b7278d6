"""How far the slots of deleted doctors are revoked: a row of the table `revocations` each, until all are. Plain SQL.

The rows are made by `doctors/remove.py` and followed by the job of `doctors/revoke.py`. A technical table without a policy.
"""

from datetime import date
from typing import NamedTuple

from services.availability.domain.days import DoctorKey
from shared.infra.caller import Caller
from shared.infra.postgres import Connection

BEGIN = """
INSERT INTO revocations (clinic_id, doctor_id, date, number, actor, principal, correlation_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
DOCTORS = "SELECT clinic_id, doctor_id FROM revocations ORDER BY clinic_id, doctor_id LIMIT $1"
# Another process that has the row does the next page, too.
CLAIM = """
SELECT date, number, actor, principal, correlation_id FROM revocations WHERE clinic_id = $1 AND doctor_id = $2
FOR UPDATE SKIP LOCKED
"""
ADVANCE = "UPDATE revocations SET date = $3, number = $4 WHERE clinic_id = $1 AND doctor_id = $2"
END = "DELETE FROM revocations WHERE clinic_id = $1 AND doctor_id = $2"


class Position(NamedTuple):
    """Behind which slot of a doctor the next page begins, in order of date and number."""

    date: date = date.min
    number: int = 0


class Revocation(NamedTuple):
    """What is left to revoke of a doctor, and who has deleted the doctor."""

    behind: Position
    caller: Caller


async def begin(connection: Connection, doctor: DoctorKey, revocation: Revocation) -> None:
    """The slots behind this position are still to be revoked."""
    caller = revocation.caller
    who = (caller.actor, caller.principal, caller.correlation_id)
    await connection.execute(BEGIN, *doctor, *revocation.behind, *who)


async def doctors_to_revoke(connection: Connection, limit: int) -> list[DoctorKey]:
    """Deleted doctors of whom not everything is revoked."""
    return [DoctorKey(row["clinic_id"], row["doctor_id"]) for row in await connection.fetch(DOCTORS, limit)]


async def claim(connection: Connection, doctor: DoctorKey) -> Revocation | None:
    """What is left of a doctor, for this transaction alone; None if nothing is, or if another process has it."""
    row = await connection.fetchrow(CLAIM, *doctor)
    if row is None:
        return None
    caller = Caller(doctor.clinic_id, row["actor"], row["principal"], None, row["correlation_id"])
    return Revocation(Position(row["date"], row["number"]), caller)


async def advance(connection: Connection, doctor: DoctorKey, behind: Position) -> None:
    """The next page of a claimed revocation begins here."""
    await connection.execute(ADVANCE, *doctor, *behind)


async def end(connection: Connection, doctor: DoctorKey) -> None:
    """Nothing is left of a claimed revocation."""
    await connection.execute(END, *doctor)
