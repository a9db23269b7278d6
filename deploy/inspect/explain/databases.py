"""What the databases know of commands: outcomes, audit rows, messages that were admitted or wait to be published.

Read in one snapshot of each database. All SQL of `frontdesk explain` is here and in `candidates`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import orjson

from deploy import installation
from deploy.addresses import Addresses
from deploy.inspect import kafka_log
from deploy.inspect.explain.trace import CommandTrace, ServiceRow, uuid_of
from deploy.inspect.snapshots import ReaderConnection, snapshot

OUTCOME = "SELECT * FROM outcomes WHERE clinic_id = ANY($1::uuid[]) AND command_id = $2"
AUDIT = "SELECT * FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id = $2 ORDER BY at, id"
# The subjects ($2) are appointments ($3) and the slots and queue entries that had to do with them: of these only that counts.
WITHOUT_COMMAND = """
SELECT * FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id IS NULL AND subject_id = ANY($2::uuid[])
  AND (subject_id = ANY($3::uuid[]) OR detail ->> 'appointment_id' = ANY($3::text[])) ORDER BY at, id LIMIT $4
"""
OF_REQUEST = """
SELECT * FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id IS NULL AND correlation_id = $2 ORDER BY at, id LIMIT $3
"""
MAX_WITHOUT_COMMAND = 200
"""So many effects without a command are shown; the newest are left out."""
INBOX = "SELECT message_id, type, received_at FROM inbox WHERE message_id = ANY($1::uuid[])"
OUTBOX = "SELECT topic, body, created_at FROM outbox WHERE position(convert_to($1, 'UTF8') IN body) > 0 ORDER BY id LIMIT $2"
MAX_OUTBOX = 100
"""So many messages that wait to be published are shown."""


@dataclass(frozen=True)
class Snapshots:
    """A snapshot of each database by its service, and the clinics, by which audit rows are found."""

    of: dict[str, ReaderConnection]
    clinics: list[UUID]

    @property
    def audited(self) -> list[tuple[str, ReaderConnection]]:
        """The services whose audit trail and inbox show what a command did."""
        return [(service, self.of[service]) for service in installation.audited()]

    @property
    def outcome_holders(self) -> list[tuple[str, ReaderConnection]]:
        """The services that keep outcomes."""
        return [(service, self.of[service]) for service in installation.outcome_holders()]


@asynccontextmanager
async def opened(addresses: Addresses) -> AsyncIterator[Snapshots]:
    """All databases, each at one instant."""
    async with AsyncExitStack() as stack:
        of = {service: await stack.enter_async_context(snapshot(addresses, service)) for service in installation.names()}
        clinics = [row["id"] for row in await of[installation.GATEWAY].fetch("SELECT id FROM clinics")]
        yield Snapshots(of, clinics)


async def trace_of(snapshots: Snapshots, command_id: UUID) -> CommandTrace:
    """What the databases know of a command, but for its inbox rows: `add_receipts` finds these by the messages in the log."""
    trace = CommandTrace(command_id)
    for service, sql in snapshots.audited:
        trace.audit += [ServiceRow(service, row) for row in await sql.fetch(AUDIT, snapshots.clinics, command_id)]
        waiting = await sql.fetch(OUTBOX, str(command_id), MAX_OUTBOX)
        trace.outbox += [ServiceRow(service, {**row, "message": orjson.loads(row["body"])}) for row in waiting]
    for service, sql in snapshots.outcome_holders:
        outcome = await sql.fetchrow(OUTCOME, snapshots.clinics, command_id)
        trace.outcome = trace.outcome or (ServiceRow(service, outcome) if outcome else None)
    return trace


async def without_command(snapshots: Snapshots, text: str, traces: Sequence[CommandTrace]) -> CommandTrace:
    """What happened without a command to what an id names, or by the request that it names.

    `traces` are the commands that the id names: what happened to their appointments is part of it.
    """
    trace = CommandTrace(None)
    effects = [row for command in traces for row in command.audit]
    named = {uuid_of(text), *(row["subject_id"] for row in effects if row["action"].startswith("appointment_"))} - {None}
    about_them = {row["subject_id"] for row in effects if uuid_of((row["detail"] or {}).get("appointment_id")) in named}
    subjects = [sorted(named | about_them), sorted(named)]
    for service, sql in snapshots.audited:
        rows = await sql.fetch(WITHOUT_COMMAND, snapshots.clinics, *subjects, MAX_WITHOUT_COMMAND) if named else []
        if not traces and not rows:
            rows = await sql.fetch(OF_REQUEST, snapshots.clinics, text, MAX_WITHOUT_COMMAND)
        trace.audit += [ServiceRow(service, row) for row in rows]
    return trace


async def add_receipts(snapshots: Snapshots, trace: CommandTrace) -> None:
    """Add when each service admitted the command's messages."""
    in_log = {uuid_of(kafka_log.fields(record).get("message_id")) for record in trace.records}
    messages = (in_log | {row["message_id"] for row in trace.audit}) - {None}
    for service, sql in snapshots.audited:
        trace.inbox += [ServiceRow(service, row) for row in await sql.fetch(INBOX, list(messages))]
