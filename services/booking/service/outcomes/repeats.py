"""Outcomes after their decision: settled by the last service's event, answered to repeats, looked up by gateways."""

from collections.abc import Sequence

from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.availability import SlotFreed
from shared.contracts.commands import Answer, CloseCommands, CommandLook, Outcomes
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.contracts.queue import PatientQueued
from shared.infra import outcomes
from shared.infra.audit import SYSTEM, Action
from shared.infra.caller import Caller
from shared.infra.metrics import COMMANDS_CLOSED
from shared.infra.postgres import Database
from shared.infra.unit import Unit, Units


async def settle(unit: Unit, messages: Sequence[SlotFreed | PatientQueued]) -> None:
    """Settles what was owed: a freed slot leaves the answer as it is, a position completes it."""
    settled = [(m.clinic_id, m.command_id, _completed(m)) for m in messages if m.command_id]
    if settled:
        await outcomes.settle(unit.connection, settled, unit.now)


def _completed(message: SlotFreed | PatientQueued) -> Answer | None:
    if isinstance(message, SlotFreed):
        return None
    return Answer(status_code=201, result=message.entry.model_dump(mode="json"))


def answer_repeats(decisions: Decisions, messages: Sequence[Message]) -> None:
    """Answers repeated commands from their outcomes; what nobody has decided is answered when it is."""
    for message in messages:
        outcome = decisions.of(message)
        if outcome:
            decisions.answer_again(message, outcome)


async def close(units: Units, asked: CloseCommands, correlation_id: str) -> Outcomes:
    """Closes commands that never arrived, and answers all that is known of them afterwards."""
    pairs = {(one.clinic_id, one.command_id) for one in asked.commands}
    async with units.batch({clinic for clinic, _ in pairs}) as unit:
        closed = await outcomes.close(unit.connection, asked.commands, unit.now)
        for one in {one.command_id: one for one in asked.commands}.values():
            if (one.clinic_id, one.command_id) in closed:
                by = Caller(one.clinic_id, SYSTEM, one.principal, one.command_id, correlation_id)
                unit.record(by, Action.COMMAND_CLOSED, one.command_id, code=Code.LOST, type=one.type)
        found = await outcomes.look(unit.connection, pairs)
    COMMANDS_CLOSED.inc(len(closed))
    return Outcomes(outcomes=list(found.values()))


async def look(database: Database, asked: CommandLook) -> Outcomes:
    """The outcomes of many commands, of exactly the clinics of their pairs."""
    pairs = {(question.clinic_id, question.command_id) for question in asked.commands}
    async with database.batch({clinic for clinic, _ in pairs}) as (connection, _):
        found = await outcomes.look(connection, pairs)
    return Outcomes(outcomes=list(found.values()))
